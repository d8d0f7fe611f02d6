/** Files that are whole or absent, whatever happens to the process that writes them. */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';

/** Writing takes milliseconds; a temporary file older than this was left by a process that was killed. */
const ABANDONED_MILLISECONDS = 60_000;

const ATTEMPTS = 3;

/** Ending of a folder that is being removed. */
const REMOVED = '.removed';

/**
 * Writes a text (UTF-8) or bytes to `file`, replacing what is there: into a temporary file of the same folder, flushed,
 * then renamed. Readers see the old or the new content. Folders are made as needed.
 */
export async function writeAtomically(file: string, text: string | Uint8Array): Promise<void> {
  const folder = path.dirname(file);
  // Hidden, and with another ending, so that nobody takes it for a record.
  const prefix = `.${path.basename(file)}.`;
  for (let attempt = 1; ; attempt++) {
    try {
      await mkdir(folder, { recursive: true });
      await removeAbandoned(folder, prefix);
      await replace(
        file,
        path.join(folder, `${prefix}${process.pid}-${randomBytes(4).toString('hex')}.tmp`),
        text,
      );
      return await syncFolder(folder);
    } catch (error) {
      // Another process removed the folder, or the temporary file of a process that was stopped for a minute.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT' && attempt < ATTEMPTS) continue;
      throw new Error(`could not write ${file}: ${(error as Error).message}`);
    }
  }
}

async function replace(file: string, temporary: string, text: string | Uint8Array): Promise<void> {
  try {
    const handle = await open(temporary, 'wx');
    try {
      await handle.writeFile(text, 'utf8');
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/**
 * Removes a folder and all in it. It goes from its place in one step; a kill leaves it whole, or hidden beside its
 * place until {@link removeLeftovers} is called for the folder above.
 */
export async function removeFolder(folder: string): Promise<void> {
  const name = `.${path.basename(folder)}.${process.pid}-${randomBytes(4).toString('hex')}${REMOVED}`;
  const aside = path.join(path.dirname(folder), name);
  await rename(folder, aside);
  await rm(aside, { recursive: true, force: true, maxRetries: 3 });
}

/** Ends what a killed {@link removeFolder} began in the folder `parent`. */
export async function removeLeftovers(parent: string): Promise<void> {
  for (const name of await readdir(parent))
    if (name.startsWith('.') && name.endsWith(REMOVED))
      await rm(path.join(parent, name), { recursive: true, force: true, maxRetries: 3 });
}

async function removeAbandoned(folder: string, prefix: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith(prefix) || !name.endsWith('.tmp')) continue;
    const file = path.join(folder, name);
    const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > ABANDONED_MILLISECONDS) await rm(file, { force: true });
  }
}

/** Makes the rename itself outlive a power cut. Windows has no such call. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
