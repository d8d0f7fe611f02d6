/** One file into the cache: resumed, checked, and under its name only when it is whole. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type RepoCache, sizeOf } from './cache.ts';
import { type Connection, Patience, send, withRetries } from './connection.ts';
import { HubError, Mismatch, networkFailure, PassingFailure } from './errors.ts';
import { withLock } from './lock.ts';
import { describe, type HubRepo, urlName } from './names.ts';
import { refusal } from './refusal.ts';

/** A file as the Hub's metadata describes it. */
export interface HubFile {
  readonly path: string;
  readonly size: number;
  /** SHA-256 of a large file's content, or the SHA-1 that git gives a small one: also the name of its blob. */
  readonly etag: string;
}

export interface Download {
  readonly connection: Connection;
  readonly cache: RepoCache;
  readonly repo: HubRepo;
  readonly commit: string;
  readonly onProgress?: ((progress: { file: string; done: number; total: number }) => void) | undefined;
}

/**
 * Sees to it that the blob of a file lies in the cache. The bytes come by plain HTTP ranges, which the Hub serves for
 * git, LFS and Xet storage alike (Hub documentation, Xet, "Backward Compatibility with LFS").
 * @throws HubError when the file cannot be had, or when what comes is twice not the file described
 */
export async function fetchBlob(download: Download, file: HubFile): Promise<void> {
  const { cache, connection, repo } = download;
  const blob = cache.blob(file.etag);
  const partial = cache.partial(file.etag);
  if (await isWhole(blob, file)) return;
  await mkdir(path.dirname(blob), { recursive: true });
  const onWait = (holder: string) =>
    connection.note(`${file.path} of ${describe(repo)} is being downloaded by ${holder}; waiting for it`);
  await withLock(cache.lock(file.etag), { signal: connection.signal, onWait }, async () => {
    if (await isWhole(blob, file)) return;
    try {
      await fill(download, file, partial);
    } catch (error) {
      if (!(error instanceof Mismatch)) throw error;
      connection.note(
        `${file.path} of ${describe(repo)}: ${error.message}; fetching it once more from the start`,
      );
      await fill(download, file, partial).catch((again) => {
        if (!(again instanceof Mismatch)) throw again;
        throw new HubError(
          `"${file.path}" of ${describe(repo)} arrived damaged twice: ${again.message}${connection.settings.endpointNote}; a proxy or mirror may alter it, try another connection`,
        );
      });
    }
    await rename(partial, blob);
  });
}

async function isWhole(blob: string, file: HubFile): Promise<boolean> {
  return (await sizeOf(blob)) === file.size;
}

/** Brings the partial file to its end and checks it; removes it when it is not the file described. */
async function fill(download: Download, file: HubFile, partial: string): Promise<void> {
  const progress = { best: 0 };
  const what = `downloading "${file.path}" of ${describe(download.repo)}`;
  try {
    await withRetries(download.connection, what, () => attempt(download, file, partial, progress));
    const sum = await checksum(partial, file);
    if (sum !== file.etag) throw new Mismatch(`expected ${nameOfSum(file)} ${file.etag}, got ${sum}`);
  } catch (error) {
    if (error instanceof Mismatch) await rm(partial, { force: true });
    throw error;
  }
}

/** One request for what is still missing, appended as it comes. */
async function attempt(
  download: Download,
  file: HubFile,
  partial: string,
  progress: { best: number },
): Promise<void> {
  const { connection, repo, commit, onProgress } = download;
  let have = (await sizeOf(partial)) ?? 0;
  if (have > file.size) {
    await rm(partial);
    have = 0;
  }
  if (have === file.size && have > 0) return;
  progress.best = Math.max(progress.best, have);
  const patience = new Patience(connection);
  try {
    const url = `${connection.settings.endpoint}/${urlName(repo)}/resolve/${commit}/${file.path.split('/').map(encodeURIComponent).join('/')}`;
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
      throw refusal(response, { repo, file: file.path, withToken });
    }
    const start = startOf(response, have, file);
    if (start === 0) await rm(partial, { force: true });
    const handle = await open(partial, start === 0 ? 'w' : 'r+');
    let done = start;
    // Against the most ever had: a server that sends all anew and breaks at the same place again brings nothing.
    const gained = () => done > progress.best;
    onProgress?.({ file: file.path, done, total: file.size });
    try {
      for await (const piece of response.body ?? []) {
        patience.more();
        if (done + piece.byteLength > file.size)
          throw new Mismatch(`expected ${file.size} bytes, got more than that`);
        await write(handle, piece, done);
        done += piece.byteLength;
        onProgress?.({ file: file.path, done, total: file.size });
      }
      await handle.sync();
    } catch (error) {
      if (error instanceof Mismatch || isDiskError(error)) throw error;
      throw patience.explain(networkFailure(error, host, gained()), host, gained());
    } finally {
      await handle.close();
    }
    if (done < file.size)
      throw new PassingFailure(`the connection to ${host} ended after ${done} of ${file.size} bytes`, {
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
function startOf(response: Response, have: number, file: HubFile): number {
  if (response.status !== 206) {
    const length = response.headers.get('content-length');
    if (length !== null && !response.headers.has('content-encoding') && Number(length) !== file.size)
      throw new Mismatch(`expected ${file.size} bytes, the server announces ${length}`);
    return 0;
  }
  const range = response.headers.get('content-range') ?? '';
  const [, first, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(range) ?? [];
  if (Number(first) !== have || (total !== '*' && Number(total) !== file.size))
    throw new Mismatch(`expected bytes from ${have} of ${file.size}, the server announces "${range}"`);
  return have;
}

const nameOfSum = (file: HubFile): string => (file.etag.length === 64 ? 'SHA-256' : 'git SHA-1');

/** The sum that the etag is, over the file on disk: after a resume this covers the earlier bytes too. */
async function checksum(partial: string, file: HubFile): Promise<string> {
  const hash = createHash(file.etag.length === 64 ? 'sha256' : 'sha1');
  if (file.etag.length === 40) hash.update(`blob ${file.size}\0`);
  await pipeline(createReadStream(partial), hash);
  return hash.digest('hex');
}

const isDiskError = (error: unknown): boolean =>
  typeof (error as NodeJS.ErrnoException).syscall === 'string' &&
  ['write', 'fsync'].includes((error as NodeJS.ErrnoException).syscall!);
