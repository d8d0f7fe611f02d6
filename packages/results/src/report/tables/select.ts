/** Which record stands in which cell. */
import { canonicalJson } from '../../identity.ts';
import type { RunRecord } from '../../schema.ts';
import type { PlannedRun, PlannedSeed, PlannedTable } from './plan.ts';

/** A record in a cell, and the metric that is its score there; of a training that others evaluate undefined. */
export interface Chosen {
  readonly record: RunRecord;
  readonly metric?: string;
}

/** Of one cell, by seed. */
export interface CellRecords {
  readonly bySeed: ReadonlyMap<number, Chosen>;
  /** What became of seeds that have none, where something is known. */
  readonly reasons: ReadonlyMap<number, string>;
}

export interface Selection {
  cell(row: string, task: string): CellRecords | undefined;
  readonly model?: { readonly name: string; readonly fingerprint: string };
  /** What was left out, a line each. */
  readonly notes: readonly string[];
}

/** Whether a record states what is planned, whatever weights and data it read. */
export function states(record: RunRecord, planned: PlannedRun): boolean {
  const { runInfo, metaInfo } = record;
  const { name, revision } = metaInfo.modelInfo;
  return (
    bucketOf(runInfo) === bucketOf(planned) &&
    runInfo.protocol === planned.protocol &&
    runInfo.protocolVariant === planned.protocolVariant &&
    isSame(runInfo.trainConfig, planned.trainConfig) &&
    isSame(runInfo.adapterConfig, planned.adapterConfig) &&
    lastPart(name) === lastPart(planned.model) &&
    (revision === undefined || planned.modelRevision === undefined || revision === planned.modelRevision) &&
    metaInfo.datasetInfo.name === planned.dataset
  );
}

const isSame = (a: unknown, b: unknown) => canonicalJson(a ?? null) === canonicalJson(b ?? null);
/** A model in a folder is called as the folder. */
const lastPart = (name: string) => name.slice(name.lastIndexOf('/') + 1);

type Bucketed = Pick<PlannedRun, 'experiment' | 'task' | 'profile' | 'method' | 'variant' | 'seed'>;
const bucketOf = ({ experiment, task, profile, method, variant, seed }: Bucketed) =>
  JSON.stringify([profile, experiment, task, method, variant ?? null, seed]);

/**
 * The table's records. All have one base model, and all of one task and seed the same data: of several, those of the
 * newest record, and a note tells of the others.
 * @param metricOf the metric of a task's column; undefined for tasks whose score no column shows
 */
export function selectRecords(
  planned: PlannedTable,
  records: readonly RunRecord[],
  metricOf: (task: string) => string | undefined,
): Selection {
  const buckets = new Map<string, RunRecord[]>();
  for (const record of records) {
    const key = bucketOf(record.runInfo);
    const bucket = buckets.get(key);
    if (bucket === undefined) buckets.set(key, [record]);
    else bucket.push(record);
  }
  const read = (run: PlannedRun): { found: Found[]; failed?: string } => {
    const stated = (buckets.get(bucketOf(run)) ?? []).filter((record) => states(record, run));
    const done = stated.filter(({ runInfo }) => runInfo.status === 'completed');
    const found = run.readings.flatMap(({ evaluationConfig, metric }, rank) =>
      done
        .filter(({ runInfo }) => isSame(runInfo.evaluationConfig, evaluationConfig))
        .flatMap((record): Found[] => {
          const wanted = metricOf(run.task) === undefined ? undefined : (metric ?? metricOf(run.task)!);
          if (wanted === undefined) return [{ record, rank }];
          return record.trainInfo.test?.[wanted] === undefined ? [] : [{ record, rank, metric: wanted }];
        }),
    );
    const [ended] = stated.filter(({ runInfo }) => runInfo.status !== 'completed');
    return { found, ...(ended === undefined ? {} : { failed: describeEnd(ended) }) };
  };
  const cells = planned.rows.flatMap((row) =>
    Object.entries(row.cells).flatMap(([task, cell]) =>
      'unavailable' in cell
        ? []
        : [{ key: cellKey(row.key, task), task, seeds: cell.seeds.map((seed) => readSeed(seed, read)) }],
    ),
  );
  const all = cells.flatMap(({ seeds }) =>
    seeds.flatMap(({ candidates }) => candidates.flatMap(({ found }) => found)),
  );
  const settings = oneSetting(all.map(({ record }) => record));
  const chosen = new Map(cells.map((cell) => [cell.key, chooseCell(cell.seeds, settings.accepts)]));
  return {
    cell: (row, task) => chosen.get(cellKey(row, task)),
    ...(settings.model === undefined ? {} : { model: settings.model }),
    notes: settings.notes,
  };
}

interface Found extends Chosen {
  /** Place of its reading; of several records the first reading's counts. */
  readonly rank: number;
}

interface ReadSeed {
  readonly seed: number;
  readonly candidates: readonly { readonly found: readonly Found[]; readonly failed?: string }[];
}

const cellKey = (row: string, task: string) => JSON.stringify([row, task]);

function readSeed(
  { seed, candidates }: PlannedSeed,
  read: (run: PlannedRun) => ReadSeed['candidates'][number],
): ReadSeed {
  return { seed, candidates: candidates.map(read) };
}

function describeEnd({ runInfo: { status, seed, error } }: RunRecord): string {
  return `seed ${seed} ${status}${error === undefined ? '' : `: ${error}`}`;
}

/** One base model for all, one state of the data for each task and seed: those of the newest record. */
function oneSetting(records: readonly RunRecord[]) {
  const newestFirst = [...new Set(records)].sort((a, b) =>
    b.runInfo.createdAt < a.runInfo.createdAt ? -1 : b.runInfo.createdAt > a.runInfo.createdAt ? 1 : 0,
  );
  const model = newestFirst[0]?.metaInfo.modelInfo;
  const data = new Map<string, string>();
  const dataKey = ({ runInfo: { task, seed } }: RunRecord) => JSON.stringify([task, seed]);
  const dataOf = ({ metaInfo: { datasetInfo } }: RunRecord) =>
    canonicalJson(Object.fromEntries(datasetInfo.splits.map(({ name, fingerprint }) => [name, fingerprint])));
  const isOfModel = (record: RunRecord) => record.metaInfo.modelInfo.fingerprint === model?.fingerprint;
  for (const record of newestFirst)
    if (isOfModel(record) && !data.has(dataKey(record))) data.set(dataKey(record), dataOf(record));
  const ofOtherData = (record: RunRecord) =>
    isOfModel(record) && data.get(dataKey(record)) !== dataOf(record);
  const counts = [
    [newestFirst.filter((record) => !isOfModel(record)).length, 'other base weights'],
    [newestFirst.filter(ofOtherData).length, 'other data'],
  ] as const;
  return {
    ...(model === undefined ? {} : { model: { name: model.name, fingerprint: model.fingerprint } }),
    accepts: (record: RunRecord) => isOfModel(record) && !ofOtherData(record),
    notes: counts.flatMap(([count, what]) =>
      count === 0
        ? []
        : [`Left out: ${count} ${count === 1 ? 'record' : 'records'} of ${what} than the newest.`],
    ),
  };
}

/**
 * Of each seed the record of the candidate that does best on the selection split, in the mean over those seeds for
 * which all candidates are recorded; others have none yet.
 */
function chooseCell(seeds: readonly ReadSeed[], accepts: (record: RunRecord) => boolean): CellRecords {
  const reasons = new Map<number, string>();
  const whole: { seed: number; found: readonly Found[] }[] = [];
  for (const { seed, candidates } of seeds) {
    const found = candidates.flatMap((candidate) => {
      const accepted = candidate.found.filter(({ record }) => accepts(record));
      return accepted.length === 0 ? [] : [accepted.reduce((a, b) => (b.rank < a.rank ? b : a))];
    });
    if (found.length === candidates.length) whole.push({ seed, found });
    else if (found.length > 0)
      reasons.set(seed, `${found.length} of ${candidates.length} learning rates are recorded`);
    else {
      const failed = candidates.find((candidate) => candidate.failed !== undefined)?.failed;
      if (failed !== undefined) reasons.set(seed, failed);
    }
  }
  const at = bestOf(whole.map(({ found }) => found));
  return { bySeed: new Map(whole.map(({ seed, found }) => [seed, found[at]!])), reasons };
}

function bestOf(seeds: readonly (readonly Found[])[]): number {
  const count = seeds[0]?.length ?? 0;
  const scoreOf = (at: number) =>
    seeds.reduce((sum, found) => {
      const { best, selectionMetric } = found[at]!.record.trainInfo;
      return sum + (selectionMetric === 'loss' ? -1 : 1) * (best?.value ?? 0);
    }, 0);
  let best = 0;
  for (let at = 1; at < count; at++) if (scoreOf(at) > scoreOf(best)) best = at;
  return best;
}
