/** What the Hub says of a repository: the commit of a revision, and size and sum of each file wanted. */
import {
  datasetInfo,
  type ListFileEntry,
  listFiles,
  modelInfo,
  type PathInfo,
  pathsInfo,
} from '@huggingface/hub';
import { shown } from '@psoft/engine/errors';
import { apiFetch, ask, type Connection } from './connection.ts';
import type { HubFile } from './download.ts';
import { HubError } from './errors.ts';
import {
  checkFileName,
  describe,
  globFolder,
  globMatcher,
  type HubRepo,
  isCommit,
  isGlob,
  pageOf,
} from './names.ts';

/** The commit that a branch or tag is at. */
export async function resolveCommit(
  connection: Connection,
  repo: HubRepo,
  revision: string,
): Promise<string> {
  const what = `looking up revision "${revision}" of ${describe(repo)}`;
  const { sha } = await ask(connection, what, (): Promise<{ sha: string }> => {
    const asked = {
      name: repo.name,
      revision,
      hubUrl: connection.settings.endpoint,
      fetch: apiFetch(connection, { repo }),
    };
    return repo.type === 'model'
      ? modelInfo({ ...asked, additionalFields: ['sha'] })
      : datasetInfo({ ...asked, additionalFields: ['sha'] });
  });
  if (typeof sha !== 'string' || !isCommit(sha))
    throw new HubError(
      `${what}: expected a commit of 40 digits, got ${shown(sha)}${connection.settings.endpointNote}`,
    );
  return sha;
}

export interface Listing {
  readonly files: readonly HubFile[];
  /** Optional exact paths that the commit does not hold. */
  readonly absent: readonly string[];
}

/**
 * Finds the files asked for in one commit.
 * @throws HubError when a required path is missing, a pattern matches nothing, or a name leads out of the folder
 */
export async function findFiles(
  connection: Connection,
  repo: HubRepo,
  commit: string,
  required: readonly string[],
  optional: readonly string[],
): Promise<Listing> {
  const names = [...new Set([...required, ...optional])];
  const exact = names.filter((name) => !isGlob(name));
  const common = { repo: { type: repo.type, name: repo.name }, revision: commit };
  const client = { ...common, hubUrl: connection.settings.endpoint, fetch: apiFetch(connection, { repo }) };
  const what = `listing files of ${describe(repo)}`;

  const infos =
    exact.length === 0 ? [] : await ask(connection, what, () => pathsInfo({ ...client, paths: exact }));
  const listed = new Map<string, ListFileEntry[]>();
  for (const folder of new Set(names.filter(isGlob).map(globFolder)))
    listed.set(
      folder,
      await ask(connection, what, () => collect(listFiles({ ...client, path: folder, recursive: true }))),
    );

  const files = new Map<string, HubFile>();
  const absent: string[] = [];
  for (const name of names) {
    const matches: readonly Entry[] = isGlob(name)
      ? (listed.get(globFolder(name)) ?? []).filter(
          (entry) => entry.type === 'file' && globMatcher(name)(entry.path),
        )
      : infos.filter((entry) => entry.path === name);
    for (const entry of matches) files.set(entry.path, described(connection, repo, entry));
    if (matches.length > 0) continue;
    if (required.includes(name))
      throw new HubError(
        `${describe(repo)} has no file ${isGlob(name) ? `matching "${name}"` : `"${name}"`} at commit ${commit}; see what it has at ${pageOf(repo)}/tree/${commit}`,
      );
    if (!isGlob(name)) absent.push(name);
  }
  return { files: [...files.values()], absent };
}

type Entry = Pick<PathInfo, 'path' | 'type' | 'oid' | 'size' | 'lfs'>;

/** Lets nothing through to the disk that is not what the Hub's interface promises. */
function described(connection: Connection, repo: HubRepo, entry: Entry): HubFile {
  checkFileName(repo, entry.path);
  if (entry.type !== 'file')
    throw new HubError(`"${entry.path}" of ${describe(repo)} is a folder; name its files: "${entry.path}/*"`);
  const etag = entry.lfs?.oid ?? entry.oid;
  const size = entry.lfs?.size ?? entry.size;
  if (
    typeof etag !== 'string' ||
    !/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(etag) ||
    !Number.isSafeInteger(size) ||
    size < 0
  )
    throw new HubError(
      `"${entry.path}" of ${describe(repo)} is listed with sum ${shown(etag ?? 'missing')} and size ${shown(size ?? 'missing')}; expected a SHA-1 or SHA-256 and a count of bytes${connection.settings.endpointNote}`,
    );
  return { path: entry.path, size, etag };
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
