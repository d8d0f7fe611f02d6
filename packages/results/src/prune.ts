/**
 * What no longer serves anyone: records that another replaces, runs that failed or were stopped, folders below `runs/`
 * without a record. A completed record goes only where the record of the same run stands in its own place, and is no
 * older.
 */
import { existsSync } from 'node:fs';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { removeFolder, removeLeftovers } from './atomic.ts';
import { findFiles } from './files.ts';
import { identityOf, RESERVED, recordPath } from './identity.ts';
import { oneLine, parseRecord } from './parse.ts';
import { RecordError, type RunRecord } from './schema.ts';
import { UNFINISHED } from './unfinished.ts';

export interface PrunePlaces {
  readonly resultsFolder: string;
  readonly runsFolder: string;
  /** What changed since then below `runs/` may be at work. Milliseconds since 1970. */
  readonly changedBefore: number;
}

export interface Prunable {
  /** A file, or a folder with all in it. */
  readonly path: string;
  readonly kind: 'superseded' | 'failed' | 'cancelled' | 'without a record';
  readonly reason: string;
  readonly bytes: number;
  /** Whether it still is what it was when it was found. */
  isUnchanged(): Promise<boolean>;
  remove(): Promise<void>;
}

export interface PrunePlan {
  readonly items: readonly Prunable[];
  /** What would be pruned, were it not for the reason. */
  readonly kept: readonly { readonly path: string; readonly reason: string }[];
  /** Files that could not be read; they and what belongs to them stay. */
  readonly unread: readonly string[];
}

/** Folders of runs bear the names of records; any other folder is not looked at. */
const RUN_NAME = /-s\d+-[0-9a-f]{8}$/;

/**
 * Looks, and changes nothing.
 * @throws RecordError where there is no results folder: every run would seem to be without a record
 */
export async function planPrune(places: PrunePlaces): Promise<PrunePlan> {
  if (!existsSync(places.resultsFolder))
    throw new RecordError(
      `${places.resultsFolder} does not exist: give the folder of the records of these runs`,
    );
  const plan = { items: [] as Prunable[], kept: [] as PrunePlan['kept'][number][], unread: [] as string[] };
  await planResults(places, plan);
  await planRuns(places, plan);
  return plan;
}

/**
 * Removes what a plan found, each in one step.
 * @returns what was removed; what changed since it was found stays
 */
export async function prune({ items }: PrunePlan): Promise<Prunable[]> {
  const removed: Prunable[] = [];
  for (const item of items) {
    if (!(await item.isUnchanged())) continue;
    await item.remove();
    removed.push(item);
  }
  return removed;
}

type OpenPlan = { items: Prunable[]; kept: { path: string; reason: string }[]; unread: string[] };

async function planResults({ resultsFolder }: PrunePlaces, plan: OpenPlan): Promise<void> {
  const { files, unread } = await findFiles(resultsFolder, (name) => name.endsWith('.json'), RESERVED);
  plan.unread.push(...unread.map(({ file, reason }) => `${path.join(resultsFolder, file)}: ${reason}`));
  for (const name of files) {
    const file = path.join(resultsFolder, name);
    const found = await readAt(file, plan);
    if (found === undefined) continue;
    const { record, text } = found;
    const { status } = record.runInfo;
    const home = path.join(resultsFolder, recordPath(identityOf(record)));
    if (home !== file) {
      const reason = await whySuperseded(record, home);
      if (reason === undefined)
        plan.kept.push({ path: file, reason: `is not in its place, ${home}, which holds no newer one` });
      else plan.items.push(fileItem(file, text, 'superseded', reason));
    } else if (status !== 'completed')
      plan.items.push(fileItem(file, text, status, record.runInfo.error ?? 'stopped before its end'));
  }
}

async function planRuns(places: PrunePlaces, plan: OpenPlan): Promise<void> {
  const { resultsFolder, runsFolder, changedBefore } = places;
  for (const name of await runFolders(runsFolder)) {
    const folder = path.join(runsFolder, name);
    const home = path.join(resultsFolder, `${name}.json`);
    const { newest, bytes } = await measure(folder);
    const unfinished = [];
    let isWhole = true;
    for (const status of UNFINISHED) {
      const file = path.join(folder, `${status}.json`);
      if (!existsSync(file)) continue;
      const found = await readAt(file, plan);
      if (found === undefined) isWhole = false;
      else unfinished.push({ file, status, ...found });
    }
    const hasRecord = existsSync(home);
    if (!isWhole || (hasRecord && unfinished.length === 0)) continue;
    if (newest >= changedBefore) {
      plan.kept.push({ path: folder, reason: 'changed of late, it may be at work (--older-than)' });
      continue;
    }
    if (hasRecord) {
      for (const { file, record, text } of unfinished) {
        const reason = await whySuperseded(record, home);
        const { status, error } = record.runInfo;
        plan.items.push(
          reason === undefined
            ? fileItem(file, text, status as 'failed' | 'cancelled', error ?? 'stopped before its end')
            : fileItem(file, text, 'superseded', reason),
        );
      }
      continue;
    }
    const [last] = unfinished;
    const canGoOn = existsSync(path.join(folder, 'checkpoint.safetensors'));
    plan.items.push({
      path: folder,
      kind: last?.status ?? 'without a record',
      reason: [
        last === undefined ? `there is no ${home}` : (last.record.runInfo.error ?? 'stopped before its end'),
        ...(canGoOn ? ['its checkpoint goes with it'] : []),
      ].join('; '),
      bytes,
      isUnchanged: async () =>
        !existsSync(home) && existsSync(folder) && (await measure(folder)).newest === newest,
      remove: async () => {
        await removeFolder(folder);
        await removeLeftovers(path.dirname(folder));
      },
    });
  }
}

/** Why the record at `home` makes another record of the same run needless; undefined where it does not. */
async function whySuperseded(record: RunRecord, home: string): Promise<string | undefined> {
  const kept = await readFile(home, 'utf8').then(parseOrNothing, () => undefined);
  if (kept?.runInfo.configHash !== record.runInfo.configHash || kept.runInfo.status !== 'completed')
    return undefined;
  return kept.runInfo.createdAt >= record.runInfo.createdAt
    ? `${home} is the record of the same run`
    : undefined;
}

function fileItem(file: string, text: string, kind: Prunable['kind'], reason: string): Prunable {
  return {
    path: file,
    kind,
    reason,
    bytes: Buffer.byteLength(text),
    isUnchanged: () =>
      readFile(file, 'utf8').then(
        (now) => now === text,
        () => false,
      ),
    remove: () => rm(file),
  };
}

async function readAt(
  file: string,
  plan: OpenPlan,
): Promise<{ record: RunRecord; text: string } | undefined> {
  try {
    const text = await readFile(file, 'utf8');
    return { record: parseRecord(text), text };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') plan.unread.push(`${file}: ${oneLine(error)}`);
    return undefined;
  }
}

function parseOrNothing(text: string): RunRecord | undefined {
  try {
    return parseRecord(text);
  } catch {
    // It is named where its own turn comes.
    return undefined;
  }
}

/** `<profile>/<experiment>/<task>/<name>` of every folder of a run, relative to the runs. */
async function runFolders(root: string): Promise<string[]> {
  let level = [''];
  for (let depth = 0; depth < 4; depth++) {
    const next: string[] = [];
    for (const folder of level)
      for (const entry of await readdir(path.join(root, folder), { withFileTypes: true }).catch(ignoreAbsent))
        if (entry.isDirectory() && !entry.name.startsWith('.')) next.push(path.join(folder, entry.name));
    level = next;
  }
  return level.filter((folder) => RUN_NAME.test(folder)).sort();
}

function ignoreAbsent(error: NodeJS.ErrnoException): [] {
  if (error.code === 'ENOENT') return [];
  throw error;
}

/** Size of all files of a folder, and when the last of them changed. */
async function measure(folder: string): Promise<{ bytes: number; newest: number }> {
  let bytes = 0;
  let newest = (await stat(folder)).mtimeMs;
  for (const name of await readdir(folder, { recursive: true })) {
    const { size, mtimeMs } = await stat(path.join(folder, name)).catch(() => ({ size: 0, mtimeMs: 0 }));
    bytes += size;
    newest = Math.max(newest, mtimeMs);
  }
  return { bytes, newest };
}
