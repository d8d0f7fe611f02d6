/** Finds files below a folder while other processes write and remove there. */
import { readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';

export interface FoundFiles {
  /** Relative to the root, sorted by code units so that every machine agrees. */
  readonly files: readonly string[];
  /** Folders and links that could not be followed, and why. */
  readonly unread: readonly { readonly file: string; readonly reason: string }[];
}

/**
 * All files below `root` whose name is taken, links followed; hidden ones are not looked at. An absent root holds none.
 * @param leaveOut folders directly below the root that are not entered
 */
export async function findFiles(
  root: string,
  takes: (name: string) => boolean,
  leaveOut: readonly string[] = [],
): Promise<FoundFiles> {
  const files: string[] = [];
  const unread: { file: string; reason: string }[] = [];
  const visit = async (folder: string, above: readonly string[]): Promise<void> => {
    const absolute = path.join(root, folder);
    try {
      const real = await realpath(absolute);
      if (above.includes(real)) throw new Error('a link that leads back to a folder above it');
      for (const entry of await readdir(absolute, { withFileTypes: true })) {
        const file = path.join(folder, entry.name);
        if (entry.name.startsWith('.') || leaveOut.includes(file)) continue;
        if (await isFolder(path.join(root, file), entry)) await visit(file, [...above, real]);
        else if (takes(entry.name)) files.push(file);
      }
    } catch (error) {
      // What was there a moment ago and is gone has been removed by another process.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      unread.push({ file: folder || '.', reason: (error as Error).message });
    }
  };
  await visit('', []);
  return { files: files.sort(), unread };
}

async function isFolder(
  file: string,
  entry: { isDirectory(): boolean; isSymbolicLink(): boolean },
): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  // A link to nothing is taken for a file: reading it says what is wrong.
  return stat(file).then(
    (target) => target.isDirectory(),
    () => false,
  );
}
