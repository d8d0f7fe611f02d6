/** The page's script, style and the licences of what is in them, each as one text. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface Licence {
  /** "vega 6.2.0", all that share the text. */
  readonly packages: readonly string[];
  readonly text: string;
}

export interface Assets {
  readonly script: string;
  readonly style: string;
  readonly licences: readonly Licence[];
}

/** What packing puts beside this file, since the sources are not published. */
export const ASSETS_FILE = 'assets.json';

let read: Assets | undefined;

/** Once a process. */
export async function readAssets(): Promise<Assets> {
  const made = fileURLToPath(new URL(ASSETS_FILE, import.meta.url));
  read ??= existsSync(made)
    ? (JSON.parse(readFileSync(made, 'utf8')) as Assets)
    : (await import('./bundle.ts')).bundleAssets();
  return read;
}
