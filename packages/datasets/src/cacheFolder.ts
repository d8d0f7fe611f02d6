/** Where the project keeps what it has made or fetched itself. The Hub's files are in the Hub's own cache. */
import { homedir } from 'node:os';
import path from 'node:path';

/** A folder below PSOFT_CACHE, or below psoft in XDG_CACHE_HOME or ~/.cache. */
export function psoftCacheFolder(kind: string, environment: NodeJS.ProcessEnv = process.env): string {
  const own = environment.PSOFT_CACHE;
  if (own !== undefined && own !== '') return path.resolve(own, kind);
  const root = environment.XDG_CACHE_HOME || path.join(environment.HOME || homedir(), '.cache');
  return path.resolve(root, 'psoft', kind);
}
