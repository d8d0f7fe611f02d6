/** The cache folder of one repository, laid out as Python's huggingface_hub does. */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { getRepoFolderName } from '@huggingface/hub';
import { globMatcher, type HubRepo, isCommit, isGlob, missingShards } from './names.ts';

/** What the cache holds of a request. */
export interface CacheView {
  /** Undefined when the cache has never seen the revision. */
  readonly commit: string | undefined;
  readonly files: readonly string[];
  /** Asked for and not there. */
  readonly missing: readonly string[];
  /** Whether only the Hub can tell that nothing else belongs to it: patterns, and optional files not there. */
  readonly isOpen: boolean;
}

export class RepoCache {
  readonly folder: string;
  private readonly lockFolder: string;

  constructor(cacheFolder: string, repo: HubRepo) {
    const name = getRepoFolderName({ type: repo.type, name: repo.name });
    this.folder = path.join(cacheFolder, name);
    this.lockFolder = path.join(cacheFolder, '.locks', name);
  }

  snapshot(commit: string): string {
    return path.join(this.folder, 'snapshots', commit);
  }

  blob(etag: string): string {
    return path.join(this.folder, 'blobs', etag);
  }

  /**
   * Bytes of a download under way. Python's names are `<etag>.incomplete` or `<etag>.<8 digits>.incomplete`, guarded
   * by a lock that Node cannot take, so this name is apart from both.
   */
  partial(etag: string): string {
    return path.join(this.folder, 'blobs', `${etag}.resume.incomplete`);
  }

  /** Python's own lock there is `<etag>.lock`, taken with flock. */
  lock(etag: string): string {
    return path.join(this.lockFolder, `${etag}.holder`);
  }

  /** The commit that a branch or tag was last seen at. */
  async readRef(revision: string): Promise<string | undefined> {
    if (isCommit(revision)) return revision;
    const commit = (await readFile(path.join(this.folder, 'refs', revision), 'utf8').catch(() => '')).trim();
    return isCommit(commit) ? commit : undefined;
  }

  async writeRef(revision: string, commit: string): Promise<void> {
    if (revision === commit || (await this.readRef(revision)) === commit) return;
    await replace(path.join(this.folder, 'refs', revision), (file) => writeFile(file, commit));
  }

  /** Notes for Python and ourselves that a commit has no such file. */
  async writeAbsent(commit: string, name: string): Promise<void> {
    const file = path.join(this.folder, '.no_exist', commit, name);
    if (!existsSync(file)) await replace(file, (temporary) => writeFile(temporary, ''));
  }

  async view(revision: string, files: readonly string[], optional: readonly string[]): Promise<CacheView> {
    const commit = await this.readRef(revision);
    const have = commit === undefined ? [] : await filesBelow(this.snapshot(commit));
    const found = new Set<string>();
    const missing = new Set<string>();
    let isOpen = false;
    for (const [names, isRequired] of [
      [files, true],
      [optional, false],
    ] as const)
      for (const name of names) {
        const matches = isGlob(name)
          ? have.filter(globMatcher(name))
          : have.filter((other) => other === name);
        for (const match of matches) found.add(match);
        if (isGlob(name)) {
          isOpen = true;
          for (const shard of missingShards(matches)) missing.add(shard);
        }
        if (matches.length > 0) continue;
        if (isRequired) missing.add(name);
        else if (!existsSync(path.join(this.folder, '.no_exist', `${commit}`, name))) isOpen = true;
      }
    return { commit, files: [...found], missing: [...missing], isOpen };
  }

  /** Gives a blob its name in a snapshot. */
  async link(commit: string, name: string, etag: string, makeLink: typeof symlink = symlink): Promise<void> {
    const blob = this.blob(etag);
    const file = path.join(this.snapshot(commit), name);
    const target = path.relative(path.dirname(file), blob);
    await replace(file, async (temporary) => {
      try {
        await makeLink(target, temporary);
      } catch (error) {
        // Windows makes links only for privileged users; some disks have none.
        if (
          !['EPERM', 'EACCES', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'].includes(
            `${(error as NodeJS.ErrnoException).code}`,
          )
        )
          throw error;
        await copyFile(blob, temporary);
      }
    });
  }
}

export async function sizeOf(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Makes a file under another name and moves it there, so that nobody ever sees half of it. */
export async function replace(file: string, make: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = `${file}.${randomUUID().slice(0, 8)}.tmp`;
  await mkdir(path.dirname(file), { recursive: true });
  try {
    await make(temporary);
    await rename(temporary, file);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Paths below a folder with `/` between the parts, sorted; a link whose blob is gone does not count. */
async function filesBelow(folder: string): Promise<string[]> {
  if (!existsSync(folder)) return [];
  const names = await readdir(folder, { recursive: true });
  const files: string[] = [];
  for (const name of names)
    if ((await stat(path.join(folder, name)).catch(() => undefined))?.isFile())
      files.push(name.split(path.sep).join('/'));
  return files.filter((name) => !/\.[0-9a-f]{8}\.tmp$/.test(name)).sort();
}
