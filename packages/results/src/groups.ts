/** Which records may be compared, and which are the same run but for the seed. */
import { canonicalJson, sha256 } from './identity.ts';
import type { RunInfo, RunRecord } from './schema.ts';

/** Runs of one method that differ in their seed only. */
export interface RunGroup {
  readonly method: string;
  readonly variant?: string;
  /** `method[-variant]`, with the settings that tell it from others of that name: "psoft (r=16)". */
  readonly label: string;
  /** Sorted by seed. */
  readonly records: readonly RunRecord[];
}

/** Groups whose scores mean the same: one profile, task, data set, base model, protocol and way of evaluation. */
export interface Comparison
  extends Pick<RunInfo, 'profile' | 'experiment' | 'task' | 'protocol' | 'protocolVariant'> {
  /** With its revision, where it has one: "cola@v1"; of an evaluation with its scorer: "gsm8k, paper scorer". */
  readonly dataset: string;
  /** With the first digits of its weights' fingerprint: "deberta-tiny (1a2b3c4d)". */
  readonly model: string;
  /** The metric that chose the best epochs. */
  readonly metric: string;
  readonly groups: readonly RunGroup[];
}

/** Splits records into what may share an axis, sorted by profile, experiment, task, then the rest. */
export function compareRecords(records: readonly RunRecord[]): Comparison[] {
  return partition(records, comparisonKey).map((members) => {
    const { runInfo, trainInfo, metaInfo } = members[0]!;
    const { profile, experiment, task, protocol, protocolVariant } = runInfo;
    return {
      profile,
      experiment,
      task,
      protocol,
      protocolVariant,
      dataset: datasetOf(members[0]!),
      model: `${metaInfo.modelInfo.name} (${metaInfo.modelInfo.fingerprint.slice(0, 8)})`,
      metric: trainInfo.selectionMetric,
      groups: partition(members, methodKey).flatMap(groupsOfMethod),
    };
  });
}

/** `method[-variant]`. */
export function methodName({ runInfo: { method, variant } }: RunRecord): string {
  return variant === undefined ? method : `${method}-${variant}`;
}

function methodKey({ runInfo: { method, variant } }: RunRecord): string {
  // No name holds a line break; the method without a variant comes first.
  return `${method}\n${variant ?? ''}`;
}

function datasetOf({ runInfo: { evaluationConfig }, metaInfo }: RunRecord): string {
  const { name, revision } = metaInfo.datasetInfo;
  const scorer = evaluationConfig?.scorer;
  return `${name}${revision === undefined ? '' : `@${revision}`}${typeof scorer === 'string' ? `, ${scorer} scorer` : ''}`;
}

function comparisonKey(record: RunRecord): string {
  const { runInfo, trainInfo, metaInfo } = record;
  const { profile, experiment, task, protocol, protocolVariant, evaluationConfig } = runInfo;
  const { modelInfo } = metaInfo;
  return JSON.stringify([
    profile,
    experiment,
    task,
    datasetOf(record),
    // Scores of another scorer, another length or fewer problems are other scores.
    evaluationConfig === undefined ? null : canonicalJson(evaluationConfig),
    modelInfo.name,
    modelInfo.fingerprint,
    protocol,
    protocolVariant,
    trainInfo.selectionMetric,
  ]);
}

/** Runs that bear one name but ran with different settings are groups of their own: a mean over them says nothing. */
function groupsOfMethod(records: readonly RunRecord[]): RunGroup[] {
  const { method, variant } = records[0]!.runInfo;
  const groups = partition(records, (record) => sha256(settingsOf(record)));
  const differing = differingKeys(groups.map((group) => settingsOf(group[0]!)));
  const labelled = groups.map((group) => {
    const settings = settingsOf(group[0]!);
    const details = differing.map((key) => `${key}=${brief(settings[key])}`);
    const name = methodName(group[0]!);
    return {
      method,
      ...(variant === undefined ? {} : { variant }),
      label: details.length === 0 ? name : `${name} (${details.join(', ')})`,
      records: [...group].sort((a, b) => a.runInfo.seed - b.runInfo.seed),
    };
  });
  return labelled.sort((a, b) => compareText(a.label, b.label));
}

/** A setting as part of a label: whole when short, else told from others by its hash. */
function brief(value: unknown): string {
  if (value === undefined) return 'none';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length <= 32 ? text : `${text.slice(0, 24)}...${sha256(value).slice(0, 4)}`;
}

function settingsOf({ runInfo }: RunRecord): Record<string, unknown> {
  const { trainConfig, adapterConfig } = runInfo;
  const adapter = Object.entries(adapterConfig).map(([key, value]) => [
    // Both stay visible where a training setting bears the same name.
    Object.hasOwn(trainConfig, key) ? `adapter.${key}` : key,
    value,
  ]);
  return { ...trainConfig, ...Object.fromEntries(adapter) };
}

function differingKeys(all: readonly Record<string, unknown>[]): string[] {
  const keys = new Set(all.flatMap((settings) => Object.keys(settings)));
  const distinct = (key: string) => new Set(all.map((settings) => canonicalJson(settings[key] ?? null))).size;
  return [...keys].filter((key) => distinct(key) > 1).sort(compareText);
}

/** Parts of equal key, in the order of their keys. */
function partition(records: readonly RunRecord[], keyOf: (record: RunRecord) => string): RunRecord[][] {
  const parts = new Map<string, RunRecord[]>();
  for (const record of records) {
    const key = keyOf(record);
    const part = parts.get(key);
    if (part === undefined) parts.set(key, [record]);
    else part.push(record);
  }
  return [...parts].sort(([a], [b]) => compareText(a, b)).map(([, part]) => part);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
