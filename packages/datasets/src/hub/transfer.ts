/** One file onto the disk: resumed, checked, and under its name only when it is whole. */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { sizeOf } from './cache.ts';
import { type Connection, Patience, send, withRetries } from './connection.ts';
import { HubError, Mismatch, networkFailure, PassingFailure } from './errors.ts';
import { withLock } from './lock.ts';

/** A file that a server has, and where it goes. */
export interface Transfer {
  readonly connection: Connection;
  /** Its name and whose it is, for messages: `train.json`, `dataset "org/name"`. */
  readonly file: string;
  readonly owner: string;
  readonly url: string;
  readonly size: number;
  /** SHA-256 of the content, or the SHA-1 that git gives it; undefined where nobody tells. */
  readonly sum: string | undefined;
  readonly target: string;
  /** Bytes under way, from this run or an earlier one. Of the same content only: its name tells contents apart. */
  readonly partial: string;
  readonly lock: string;
  /** The error that an answer stands for that is not the file. */
  refuse(response: Response, withToken: boolean): Error;
  readonly onProgress?: ((progress: { file: string; done: number; total: number }) => void) | undefined;
}

/**
 * Sees to it that the file lies at its target. The bytes come by plain HTTP ranges.
 * @throws HubError when the file cannot be had, or when what comes is twice not the file described
 */
export async function transferFile(transfer: Transfer): Promise<void> {
  const { connection, file, owner, target, partial } = transfer;
  if (await isWhole(transfer)) return;
  await mkdir(path.dirname(target), { recursive: true });
  const onWait = (holder: string) =>
    connection.note(`${file} of ${owner} is being downloaded by ${holder}; waiting for it`);
  await withLock(transfer.lock, { signal: connection.signal, onWait }, async () => {
    if (await isWhole(transfer)) return;
    try {
      await fill(transfer);
    } catch (error) {
      if (!(error instanceof Mismatch)) throw error;
      connection.note(`${file} of ${owner}: ${error.message}; fetching it once more from the start`);
      await fill(transfer).catch((again) => {
        if (!(again instanceof Mismatch)) throw again;
        throw new HubError(
          `"${file}" of ${owner} arrived damaged twice: ${again.message}${connection.settings.endpointNote}; a proxy or mirror may alter it, try another connection`,
        );
      });
    }
    await rename(partial, target);
  });
}

async function isWhole({ target, size }: Transfer): Promise<boolean> {
  return (await sizeOf(target)) === size;
}

/** Brings the partial file to its end and checks it; removes it when it is not the file described. */
async function fill(transfer: Transfer): Promise<void> {
  const { connection, file, owner, partial, sum } = transfer;
  const progress = { best: 0 };
  try {
    await withRetries(connection, `downloading "${file}" of ${owner}`, () => attempt(transfer, progress));
    if (sum === undefined) return;
    const isGit = sum.length === 40;
    const got = await (isGit ? gitSum : sha256)(partial);
    if (got !== sum) throw new Mismatch(`expected ${isGit ? 'git SHA-1' : 'SHA-256'} ${sum}, got ${got}`);
  } catch (error) {
    if (error instanceof Mismatch) await rm(partial, { force: true });
    throw error;
  }
}

/** One request for what is still missing, appended as it comes. */
async function attempt(transfer: Transfer, progress: { best: number }): Promise<void> {
  const { connection, file, url, size, partial, onProgress } = transfer;
  let have = (await sizeOf(partial)) ?? 0;
  if (have > size) {
    await rm(partial);
    have = 0;
  }
  if (have === size && have > 0) return;
  progress.best = Math.max(progress.best, have);
  const patience = new Patience(connection);
  try {
    // A compressed answer could be neither measured nor resumed.
    const headers = { 'accept-encoding': 'identity', ...(have > 0 && { range: `bytes=${have}-` }) };
    const { response, withToken, host } = await send(connection, url, { headers }, patience);
    if (response.status === 416 && have > 0) {
      await response.body?.cancel();
      await rm(partial, { force: true });
      throw new PassingFailure(`${host} has no bytes after the first ${have}, so all are fetched anew`);
    }
    if (!response.ok) {
      await response.body?.cancel();
      throw transfer.refuse(response, withToken);
    }
    const start = startOf(response, have, size);
    if (start === 0) await rm(partial, { force: true });
    const handle = await open(partial, start === 0 ? 'w' : 'r+');
    let done = start;
    // Against the most ever had: a server that sends all anew and breaks at the same place again brings nothing.
    const gained = () => done > progress.best;
    onProgress?.({ file, done, total: size });
    try {
      for await (const piece of response.body ?? []) {
        patience.more();
        if (done + piece.byteLength > size) throw new Mismatch(`expected ${size} bytes, got more than that`);
        await write(handle, piece, done);
        done += piece.byteLength;
        onProgress?.({ file, done, total: size });
      }
      await handle.sync();
    } catch (error) {
      if (error instanceof Mismatch || isDiskError(error)) throw error;
      throw patience.explain(networkFailure(error, host, gained()), host, gained());
    } finally {
      await handle.close();
    }
    if (done < size)
      throw new PassingFailure(`the connection to ${host} ended after ${done} of ${size} bytes`, {
        gained: gained(),
      });
  } finally {
    patience.end();
  }
}

/** At a stated place, so that what is written never depends on who else has the file open. */
async function write(handle: FileHandle, piece: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < piece.byteLength; )
    at += (await handle.write(piece, at, piece.byteLength - at, position + at)).bytesWritten;
}

/** Where the answer's first byte belongs: a server may ignore the range and send all. */
function startOf(response: Response, have: number, size: number): number {
  if (response.status !== 206) {
    const length = response.headers.get('content-length');
    if (length !== null && !response.headers.has('content-encoding') && Number(length) !== size)
      throw new Mismatch(`expected ${size} bytes, the server announces ${length}`);
    return 0;
  }
  const range = response.headers.get('content-range') ?? '';
  const [, first, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(range) ?? [];
  if (Number(first) !== have || (total !== '*' && Number(total) !== size))
    throw new Mismatch(`expected bytes from ${have} of ${size}, the server announces "${range}"`);
  return have;
}

/** The SHA-1 that git names a file's content by, in hexadecimal. */
export const gitSum = async (file: string): Promise<string> =>
  sumOf(file, createHash('sha1').update(`blob ${await sizeOf(file)}\0`));

const sha256 = (file: string): Promise<string> => sumOf(file, createHash('sha256'));

/** Over the file on disk: after a resume this covers the earlier bytes too. */
async function sumOf(file: string, hash: Hash): Promise<string> {
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

const isDiskError = (error: unknown): boolean =>
  typeof (error as NodeJS.ErrnoException).syscall === 'string' &&
  ['write', 'fsync'].includes((error as NodeJS.ErrnoException).syscall!);
