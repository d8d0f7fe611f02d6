/** Where this package lies, whether its sources run or what is built of them. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const ENGINE_FOLDER = nearestPackage(fileURLToPath(new URL('.', import.meta.url)));

function nearestPackage(folder: string): string {
  const isPackage = existsSync(path.join(folder, 'package.json')) || folder === path.dirname(folder);
  return isPackage ? folder : nearestPackage(path.dirname(folder));
}
