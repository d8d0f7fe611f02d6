/** Files of one commit of a model or data set on the Hugging Face Hub, from the cache or by download. */
import path from 'node:path';
import { type CacheView, RepoCache, sizeOf } from './cache.ts';
import type { Connection } from './connection.ts';
import { type Download, fetchBlob } from './download.ts';
import { HubError, UnreachableError } from './errors.ts';
import { findFiles, resolveCommit } from './listing.ts';
import { checkFileName, checkRepo, describe, type HubRepo, isCommit } from './names.ts';
import { type SessionOptions, withConnection } from './session.ts';
import { hubSettings } from './settings.ts';

export interface HubOptions extends SessionOptions {
  /** Exact paths in the repository, or patterns: `cola/*.parquet`. Each must be there. */
  readonly files: readonly string[];
  /** The same, but may be absent. */
  readonly optional?: readonly string[];
}

export interface Snapshot {
  /** The folder that the files lie in under their own paths. */
  readonly folder: string;
  /** The commit that the files are of: what a record should name. */
  readonly commit: string;
  /** Paths below the folder, patterns resolved. */
  readonly files: readonly string[];
}

/**
 * Brings files of a repository into the cache that Python's huggingface_hub uses too, and tells where they lie. A
 * branch or tag is looked up first; for a commit whose files all lie in the cache no request is made.
 * @throws HubError when they cannot be had; the signal's reason when aborted
 */
export async function fetchSnapshot(repo: HubRepo, options: HubOptions): Promise<Snapshot> {
  const settings = hubSettings(options.environment ?? process.env);
  const cache = { folder: settings.cacheFolder, variable: 'HF_HUB_CACHE' };
  return withConnection(options, settings, cache, (connection) => fetchFiles(repo, options, connection));
}

async function fetchFiles(repo: HubRepo, options: HubOptions, connection: Connection): Promise<Snapshot> {
  const { files, optional = [] } = options;
  const { settings, note } = connection;
  checkRepo(repo);
  for (const name of [...files, ...optional]) checkFileName(repo, name);
  const revision = repo.revision ?? 'main';
  const cache = new RepoCache(settings.cacheFolder, repo);
  const cached = await cache.view(revision, files, optional);
  const fromCache = ({ commit, files: found }: CacheView): Snapshot => ({
    folder: cache.snapshot(commit!),
    commit: commit!,
    files: found,
  });
  const isComplete = cached.commit !== undefined && cached.missing.length === 0;
  if (settings.offlineBy !== undefined) {
    if (isComplete) return fromCache(cached);
    throw new HubError(notCached(repo, cached, settings.offlineBy, cache.folder));
  }

  try {
    // With all files at hand, waiting for a network that is not there would help nobody.
    const asker: Connection = { ...connection, waitsForNetwork: !isComplete };
    const commit = isCommit(revision) ? revision : await resolveCommit(asker, repo, revision);
    const current = await cache.view(commit, files, optional);
    let names = current.files;
    if (current.missing.length > 0 || current.isOpen) {
      const listing = await findFiles(asker, repo, commit, files, optional);
      const download: Download = { connection: asker, cache, repo, commit, onProgress: options.onProgress };
      for (const file of listing.files) {
        // Under its own name it may lie there without a blob, where there are no links.
        if ((await sizeOf(path.join(cache.snapshot(commit), file.path))) === file.size) continue;
        await fetchBlob(download, file);
        await cache.link(commit, file.path, file.etag);
      }
      for (const name of listing.absent) await cache.writeAbsent(commit, name);
      names = listing.files.map((file) => file.path);
    }
    // Last, so that a branch never points at a commit whose files are not all there.
    await cache.writeRef(revision, commit);
    return { folder: cache.snapshot(commit), commit, files: names };
  } catch (error) {
    if (!(error instanceof UnreachableError) || !isComplete) throw error;
    note(
      `${describe(repo)}: ${new URL(settings.endpoint).host} cannot be reached; using the files of commit ${cached.commit} from the cache, which may be older than the Hub's`,
    );
    return fromCache(cached);
  }
}

function notCached(repo: HubRepo, { commit, missing }: CacheView, variable: string, folder: string): string {
  const revision = repo.revision ?? 'main';
  const lacks =
    commit === undefined ? `revision "${revision}"` : missing.map((name) => `"${name}"`).join(', ');
  return `${describe(repo)}: ${lacks} is not in the cache at ${folder} and ${variable} forbids requests; unset ${variable} once to download, or run: hf download ${repo.name} --repo-type ${repo.type} --revision ${revision}`;
}
