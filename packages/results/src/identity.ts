/** What makes two runs the same run, and where their record lies. */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { show } from './schema/shape.ts';
import { type MetaInfo, NAME, RecordError, type RunInfo, type RunRecord } from './schema.ts';

/**
 * The parts of a record that decide its result: resolved settings, seeds, data, base weights and protocol. Commit,
 * packages and machine are recorded, but are no part of it.
 */
export interface RunIdentity
  extends Pick<
    RunInfo,
    | 'experiment'
    | 'task'
    | 'profile'
    | 'method'
    | 'variant'
    | 'seed'
    | 'seeds'
    | 'protocol'
    | 'protocolVariant'
    | 'trainConfig'
    | 'adapterConfig'
    | 'evaluates'
    | 'evaluationConfig'
  > {
  /** SHA-256 of the base weights. */
  readonly modelFingerprint: string;
  /** Of every split that the run reads. */
  readonly splits: readonly { readonly name: string; readonly fingerprint: string }[];
}

/** The identity that a record states. */
export function identityOf({ runInfo, metaInfo }: RunRecord): RunIdentity {
  return identityFrom(runInfo, metaInfo);
}

/** The identity of a run, from what is known before it starts. */
export function identityFrom(
  runInfo: Omit<RunIdentity, 'modelFingerprint' | 'splits'>,
  { modelInfo, datasetInfo }: Pick<MetaInfo, 'modelInfo' | 'datasetInfo'>,
): RunIdentity {
  const { experiment, task, profile, method, variant, seed, seeds } = runInfo;
  const { protocol, protocolVariant, trainConfig, adapterConfig, evaluates, evaluationConfig } = runInfo;
  return {
    experiment,
    task,
    profile,
    method,
    ...(variant === undefined ? {} : { variant }),
    seed,
    seeds,
    protocol,
    protocolVariant,
    trainConfig,
    adapterConfig,
    ...(evaluates === undefined ? {} : { evaluates }),
    ...(evaluationConfig === undefined ? {} : { evaluationConfig }),
    modelFingerprint: modelInfo.fingerprint,
    splits: datasetInfo.splits.map(({ name, fingerprint }) => ({ name, fingerprint })),
  };
}

/** SHA-256, in hexadecimal, of the identity's canonical JSON. The order of keys and of splits does not matter. */
export function configHash(identity: RunIdentity): string {
  const splits = Object.fromEntries(identity.splits.map(({ name, fingerprint }) => [name, fingerprint]));
  if (Object.keys(splits).length !== identity.splits.length)
    throw new RecordError('metaInfo.datasetInfo.splits: two splits bear one name');
  return sha256({ ...identity, splits });
}

/** SHA-256, in hexadecimal, of a value's {@link canonicalJson}. */
export function sha256(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}

/**
 * JSON with sorted keys and no spaces: the same text for the same value, however it was built. Keys that hold
 * `undefined` count as absent, as in JSON.
 * @throws RecordError for what JSON would change silently (NaN, infinities, functions, bigints, class instances)
 */
export function canonicalJson(value: unknown, place = 'value'): string {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value))
    return JSON.stringify(value);
  if (Array.isArray(value))
    return `[${value.map((one, index) => canonicalJson(one, `${place}[${index}]`)).join(',')}]`;
  if (typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype) {
    const entries = Object.entries(value as object).filter(([, one]) => one !== undefined);
    // By UTF-16 code units, not by locale: the hash is the same on every machine.
    entries.sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, one]) => `${JSON.stringify(key)}:${canonicalJson(one, `${place}.${key}`)}`).join(',')}}`;
  }
  throw new RecordError(`${place}: ${show(value)} has no JSON form to hash; use plain finite values`);
}

/** Names that Windows keeps for devices, with any ending. */
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/;

/**
 * One part of a path made of names.
 * @throws RecordError unless it is a plain lower-case name that every file system takes
 */
export function safePart(part: string, what: string): string {
  if (!NAME.test(part) || part.length > 64 || DEVICE.test(part))
    throw new RecordError(
      `${what} ${show(part)} cannot be part of a file name: use up to 64 of a-z, 0-9 and single . _ - between them`,
    );
  return part;
}

/** Folders of the results that hold no records of runs: no profile is called so. */
export const RESERVED: readonly string[] = ['bench', 'charts', 'figures', 'imported', 'report', 'tables'];

/** `<profile>/<experiment>/<task>`, the folder of a task's records and charts below their root. */
export function taskFolder({
  profile,
  experiment,
  task,
}: Pick<RunInfo, 'profile' | 'experiment' | 'task'>): string {
  if (RESERVED.includes(profile))
    throw new RecordError(
      `profile "${profile}" is the name of another folder of the results; call it otherwise`,
    );
  return path.join(safePart(profile, 'profile'), safePart(experiment, 'experiment'), safePart(task, 'task'));
}

/** `<profile>/<experiment>/<task>/<method>[-<variant>]-s<seed>-<hash8>.json`, relative to the results folder. */
export function recordPath(identity: RunIdentity): string {
  return path.join(taskFolder(identity), `${runName(identity)}.json`);
}

/** `<method>[-<variant>]-s<seed>-<hash8>`: what the record, the adapter and the logs of a run are called. */
export function runName(identity: RunIdentity): string {
  const { method, variant, seed } = identity;
  const parts = [
    safePart(method, 'method'),
    ...(variant === undefined ? [] : [safePart(variant, 'variant')]),
  ];
  return `${parts.join('-')}-s${seed}-${configHash(identity).slice(0, 8)}`;
}
