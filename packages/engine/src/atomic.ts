/** Files that are whole or absent, whatever happens to the process that writes them. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { type FileHandle, open, readdir, rename, rm } from 'node:fs/promises';
import path, { dirname } from 'node:path';

/**
 * Writes to a temporary file in the same folder, which is synced and renamed onto `file`. On any failure it is
 * removed, and what was at `file` stays.
 */
export async function writeFileAtomically(
  file: string,
  write: (handle: FileHandle) => Promise<void>,
): Promise<void> {
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const handle = await open(temporary, 'wx');
    try {
      await write(handle);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(file));
}

/** Removes a file, and what writers of it that were killed have left. While nobody else writes it. */
export async function removeWithLeftovers(file: string): Promise<void> {
  const folder = dirname(file);
  const start = `${path.basename(file)}.`;
  const names = existsSync(folder) ? await readdir(folder) : [];
  const left = names.filter((name) => name.startsWith(start) && name.endsWith('.tmp'));
  for (const one of [file, ...left.map((name) => path.join(folder, name))]) await rm(one, { force: true });
}

/** Makes the rename itself durable, where the platform lets a folder be opened. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
