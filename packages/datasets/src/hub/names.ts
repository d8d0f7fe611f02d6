/** Names of repositories, revisions and files: what is let through to URLs and to the disk. */
import { shown } from '@psoft/engine/errors';
import { HubError } from './errors.ts';

export interface HubRepo {
  readonly type: 'model' | 'dataset';
  /** `org/name`, or `name` alone for the Hub's oldest repositories. */
  readonly name: string;
  /** Branch, tag or commit; `main` when left out. A commit of 40 digits is a pin. */
  readonly revision?: string;
}

export const isCommit = (revision: string): boolean => /^[0-9a-f]{40}$/.test(revision);

/** How messages call a repository: `model "org/name"`. */
export const describe = (repo: HubRepo): string => `${repo.type} "${repo.name}"`;

/** Where a person reads the licence and asks for access: always the Hub's own site, whatever the endpoint. */
export const pageOf = (repo: HubRepo): string => `https://huggingface.co/${urlName(repo)}`;

/** The repository as URLs name it. */
export const urlName = (repo: HubRepo): string =>
  repo.type === 'dataset' ? `datasets/${repo.name}` : repo.name;

/** @throws HubError when the name or the revision is not one that the Hub gives */
export function checkRepo(repo: HubRepo): void {
  const part = '[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?';
  if (!new RegExp(`^(?:${part}/)?${part}$`).test(repo.name) || /--|\.\./.test(repo.name))
    throw new HubError(
      `a ${repo.type} of the Hub is named "org/name", got ${shown(repo.name)}; check the name`,
    );
  const revision = repo.revision ?? 'main';
  if (!/^[\w./+-]+$/.test(revision) || !isInside(revision))
    throw new HubError(
      `a revision is a branch, a tag or a commit, got ${shown(revision)} for ${describe(repo)}`,
    );
}

/**
 * Lets through only names that stay below the folder they are joined to and that every platform has files of: they come
 * from a server.
 * @throws HubError otherwise
 */
export function checkFileName(repo: HubRepo, name: unknown): asserts name is string {
  if (typeof name !== 'string' || !isInside(name))
    throw new HubError(
      `${describe(repo)} holds a file named ${shown(name)}, which would leave the snapshot folder; do not use this repository`,
    );
  if (Buffer.byteLength(name) > LONGEST_NAME || !name.split('/').every(isPortable))
    throw new HubError(
      `${describe(repo)} holds a file named ${shown(name)}, a name that not every system takes; do not use this repository`,
    );
}

function isInside(name: string): boolean {
  if (/[\\\0]/.test(name)) return false;
  return name
    .split('/')
    .every((part) => part !== '' && part !== '.' && part !== '..' && !/^[A-Za-z]:/.test(part));
}

/** With the cache's folders before it: Linux takes 4,096 bytes, and 255 of a part. */
const LONGEST_NAME = 1024;
const LONGEST_PART = 200;
/** Names that Windows keeps for devices, with any ending. */
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

function isPortable(part: string): boolean {
  // Windows drops dots and spaces at the end, and takes what follows a colon for a stream of another file.
  const isPlain = !/[\p{Cc}\p{Cs}:]|[. ]$/u.test(part);
  return isPlain && !DEVICE.test(part) && Buffer.byteLength(part) <= LONGEST_PART;
}

export const isGlob = (name: string): boolean => /[*?]/.test(name);

/** `*` and `?` stay within a folder, `**` crosses folders: `cola/*.parquet`. */
export function globMatcher(pattern: string): (name: string) => boolean {
  const source = pattern.replace(/\*\*\/|\*\*|\*|\?|[.+^${}()|[\]\\]/g, (token) => {
    if (token === '**/') return '(?:.*/)?';
    if (token === '**') return '.*';
    if (token === '*') return '[^/]*';
    return token === '?' ? '[^/]' : `\\${token}`;
  });
  const expression = new RegExp(`^${source}$`, 's');
  return (name) => expression.test(name);
}

/** The folder that all matches of a pattern lie in; empty for the top. */
export function globFolder(pattern: string): string {
  const fixed = pattern.slice(0, pattern.search(/[*?]/));
  return fixed.slice(0, Math.max(fixed.lastIndexOf('/'), 0));
}

/**
 * Names that a set of shards lacks, after the numbering `train-00000-of-00002.parquet`. A cache knows only the files
 * that it holds, so this is what shows that a pattern is not matched in full.
 */
export function missingShards(names: readonly string[]): string[] {
  const missing = new Set<string>();
  for (const name of names) {
    const [, before, , count, after] = /^(.*-)(\d{5})-of-(\d{5})(.*)$/.exec(name) ?? [];
    for (let shard = 0; shard < Number(count ?? 0); shard++) {
      const other = `${before}${String(shard).padStart(5, '0')}-of-${count}${after}`;
      if (!names.includes(other)) missing.add(other);
    }
  }
  return [...missing];
}
