/** What is evaluated: the result of a run, an adapter from anywhere, or the base model as it is. */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { PeftModel } from '@psoft/adapter';
import type { Tokenizer } from '@psoft/datasets';
import { fingerprintWeights, type Model, openCheckpoint, type TrainableModel } from '@psoft/engine';
import {
  describeSkipped,
  identityOf,
  type RunRecord,
  readRecords,
  runName,
  type SkippedFile,
  taskFolder,
} from '@psoft/results';
import { countParameters, freeze } from '../../trainable.ts';
import { ConfigError, type RunConfig } from '../config.ts';
import { openModel } from '../prepare.ts';
import { loadRun } from '../saved.ts';
import { localModel, type SourceHooks, taskOf } from '../sources.ts';

export type Subject =
  /** A finished run: its folder and its record. */
  | { readonly kind: 'run'; readonly folder: string; readonly record: RunRecord }
  /** An adapter's folder, in PEFT's layout or ours. */
  | { readonly kind: 'adapter'; readonly folder: string }
  | { readonly kind: 'base' };

/** Which finished run is wanted. */
export interface RunQuery extends Pick<RunConfig, 'experiment' | 'task' | 'profile' | 'method' | 'seed'> {
  /** Any of them; undefined is the method as configured. */
  readonly variants: readonly (string | undefined)[];
  /** A run of exactly this identity. */
  readonly configHash?: string;
}

export interface Places {
  readonly resultsFolder: string;
  readonly runsFolder: string;
  /** Is told of records that could not be read: the newest run may stand in one. */
  readonly onUnread?: (line: string) => void;
}

/**
 * The newest finished run whose result lies on this machine.
 * @param advice the command that would train it
 * @throws ConfigError that says how to train one
 */
export async function findTrained(
  query: RunQuery,
  { resultsFolder, runsFolder, onUnread }: Places,
  advice: string,
): Promise<Extract<Subject, { kind: 'run' }>> {
  const { variants, configHash, ...filter } = query;
  const { records, skipped } = await readRecords(resultsFolder, { ...filter, status: 'completed' });
  const wanted = records
    .filter(({ runInfo }) => variants.includes(runInfo.variant))
    .filter(({ runInfo }) => configHash === undefined || runInfo.configHash === configHash)
    .sort((a, b) => (a.runInfo.createdAt < b.runInfo.createdAt ? 1 : -1));
  for (const record of wanted) {
    const folder = runFolderOf(record, runsFolder);
    if (!existsSync(path.join(folder, 'run.json'))) continue;
    for (const line of describeSkipped(resultsFolder, skipped)) onUnread?.(line);
    return { kind: 'run', folder, record };
  }
  const name = [query.method, variants.filter((one) => one !== undefined)[0]].filter(Boolean).join('-');
  const what = `${query.experiment}/${query.task}, profile ${query.profile}, ${name}, seed ${query.seed}`;
  throw new ConfigError(
    wanted.length === 0
      ? `no finished run of ${what}${configHash === undefined ? '' : ' with these settings'}${butUnread(resultsFolder, skipped)}: train it first with \`${advice}\`${configHash === undefined ? '' : ' and the same settings'}`
      : `${what} is recorded, but what it trained is not below ${runsFolder}: train it again with \`${advice}\`, or give --runs-dir`,
  );
}

/**
 * A finished run by its folder.
 * @throws ConfigError for a folder without one, or one whose record is gone
 */
export async function runAt(
  folder: string,
  resultsFolder: string,
): Promise<Extract<Subject, { kind: 'run' }>> {
  const absolute = path.resolve(folder);
  const runFolder = existsSync(path.join(absolute, 'run.json')) ? absolute : path.dirname(absolute);
  if (!existsSync(path.join(runFolder, 'run.json')))
    throw new ConfigError(
      `${folder} holds no finished run: a run's folder has run.json and its trained values`,
    );
  const [profile, experiment, task, name] = runFolder.split(path.sep).slice(-4) as [
    string,
    string,
    string,
    string,
  ];
  const { records, skipped } = await readRecords(resultsFolder, { profile, experiment, task });
  const record = records.find((one) => path.basename(runFolderOf(one, '')) === name);
  if (record === undefined)
    throw new ConfigError(
      `${folder} has no record below ${resultsFolder}${butUnread(resultsFolder, skipped)}: give --results-dir, or --adapter for an adapter from elsewhere`,
    );
  return { kind: 'run', folder: runFolder, record };
}

/** What was wanted may stand in a file that could not be read. */
function butUnread(resultsFolder: string, skipped: readonly SkippedFile[]): string {
  return skipped.length === 0 ? '' : ` (${describeSkipped(resultsFolder, skipped).join('; ')})`;
}

/** Where a run's files lie: named as its record. */
export function runFolderOf(record: RunRecord, runsFolder: string): string {
  return path.join(runsFolder, taskFolder(record.runInfo), runName(identityOf(record)));
}

/** The model of a subject, ready to generate. */
export interface OpenSubject {
  readonly model: TrainableModel;
  readonly tokenizer: Tokenizer;
  /** SHA-256 of the base weights. */
  readonly baseFingerprint: string;
  readonly baseName: string;
  readonly baseRevision?: string;
  /** Method and settings of an adapter that no run of ours trained. */
  readonly adapter?: {
    readonly method: string;
    readonly config: Readonly<Record<string, unknown>>;
    readonly fingerprint: string;
  };
  readonly parameters: RunRecord['trainInfo']['parameters'];
}

/** @throws what reading the model may throw; ConfigError where the base model is not the one that was trained on */
export async function openSubject(
  subject: Subject,
  training: RunConfig,
  hooks: SourceHooks,
): Promise<OpenSubject> {
  if (subject.kind === 'run') {
    const { model, reader, base } = await loadRun(subject.folder, hooks);
    const { modelInfo } = subject.record.metaInfo;
    const baseFingerprint = await fingerprintWeights((await openCheckpoint(base.folder)).weights);
    if (baseFingerprint !== modelInfo.fingerprint)
      throw new ConfigError(
        `the base model in ${base.folder} is not the one that ${subject.folder} was trained on (fingerprint ${baseFingerprint.slice(0, 8)}, trained on ${modelInfo.fingerprint.slice(0, 8)})`,
      );
    return {
      model,
      tokenizer: reader as Tokenizer,
      baseFingerprint,
      baseName: modelInfo.name,
      ...(modelInfo.revision === undefined ? {} : { baseRevision: modelInfo.revision }),
      parameters: subject.record.trainInfo.parameters,
    };
  }
  const base = await localModel(training, hooks);
  const { model, reader, baseWeights } = await openModel(base.folder, taskOf(training), training.seed);
  const common = {
    tokenizer: reader as Tokenizer,
    baseFingerprint: await fingerprintWeights(baseWeights),
    baseName: training.model.name,
    ...(base.revision === undefined ? {} : { baseRevision: base.revision }),
  };
  const total = sizeOf(model);
  if (subject.kind === 'base') {
    const frozen = await freeze(model);
    const none = { trainable: 0, trainableWithoutHead: 0, total, totalWithoutHead: total };
    return { ...common, model: frozen, parameters: none };
  }
  const peft = await PeftModel.fromPretrained(model, subject.folder);
  const trainable = countParameters(peft);
  const adapter = countParameters(peft, 'adapter');
  return {
    ...common,
    model: peft,
    adapter: {
      method: peft.config.method,
      config: JSON.parse(JSON.stringify(peft.config)),
      fingerprint: await sha256OfFile(path.join(subject.folder, 'adapter_model.safetensors')),
    },
    parameters: {
      trainable,
      trainableWithoutHead: adapter,
      total: total + adapter,
      totalWithoutHead: total + adapter,
    },
  };
}

function sizeOf({ weights }: Model): number {
  let size = 0;
  for (const { shape } of weights.values()) size += shape.reduce((a, b) => a * b, 1);
  return size;
}

async function sha256OfFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
