/** One file of a repository into the cache. */
import type { RepoCache } from './cache.ts';
import type { Connection } from './connection.ts';
import { describe, type HubRepo, urlName } from './names.ts';
import { refusal } from './refusal.ts';
import { type Transfer, transferFile } from './transfer.ts';

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
  readonly onProgress?: Transfer['onProgress'];
}

/**
 * Sees to it that the blob of a file lies in the cache. The Hub serves plain HTTP ranges for git, LFS and Xet storage
 * alike (Hub documentation, Xet, "Backward Compatibility with LFS").
 * @throws HubError when the file cannot be had, or when what comes is twice not the file described
 */
export async function fetchBlob(download: Download, { path, size, etag }: HubFile): Promise<void> {
  const { connection, cache, repo, commit, onProgress } = download;
  const place = path.split('/').map(encodeURIComponent).join('/');
  await transferFile({
    connection,
    file: path,
    owner: describe(repo),
    url: `${connection.settings.endpoint}/${urlName(repo)}/resolve/${commit}/${place}`,
    size,
    sum: etag,
    target: cache.blob(etag),
    partial: cache.partial(etag),
    lock: cache.lock(etag),
    refuse: (response, withToken) => refusal(response, { repo, file: path, withToken }),
    onProgress,
  });
}
