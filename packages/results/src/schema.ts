/**
 * The record of one run, version 1: what ran, on what, with which settings, and what came out. One record is one run,
 * that is one seed; means and spreads are computed from records, never written into them. Times are seconds, sizes
 * bytes, unless the name says otherwise. A value that was not measured is absent.
 */
import { fingerprint, metrics, NAME, name, utcTime } from './schema/parts.ts';
import {
  boolean,
  constant,
  described as d,
  type Infer,
  integer,
  list,
  map,
  number,
  object,
  oneLine,
  oneOf,
  optional,
  settings,
  show,
  text,
} from './schema/shape.ts';

export const SCHEMA_VERSION = 1;

export { NAME };

const runInfo = object({
  experiment: name,
  task: name,
  profile: d('Records of different profiles are never compared.', name),
  method: name,
  variant: d('Name of a set of overrides; absent for the method as configured.', optional(name)),
  seed: integer(),
  seeds: d(
    'Seed of each random stream. split: absent when the splits are the published ones.',
    object({ init: integer(), order: integer(), dropout: integer(), split: optional(integer()) }),
  ),
  protocol: d('Raised by hand when the same settings would give other results.', integer(1)),
  protocolVariant: d(
    'Which source decides where paper and released scripts differ.',
    oneOf('paper', 'as-released'),
  ),
  configHash: d('SHA-256 of the identity; its first 8 digits end the file name.', fingerprint),
  createdAt: utcTime,
  totalSeconds: d('Wall time of the whole run, loading and compiling included.', number(0)),
  continued: d('How often the run was broken off and continued; absent for never.', optional(integer(1))),
  status: oneOf('completed', 'failed', 'cancelled'),
  error: d('One line; present exactly when the run failed.', optional(text())),
  trainConfig: d('Resolved, defaults filled in, without paths of a machine.', settings()),
  adapterConfig: d('Resolved, defaults filled in; empty for methods without an adapter.', settings()),
  evaluates: d(
    'Whose result was evaluated: the training task and the configHash of its run. Absent for runs that train, and for models that no run of ours trained.',
    optional(object({ task: name, configHash: fingerprint })),
  ),
  evaluationConfig: d('Settings of an evaluation; absent for runs that train.', optional(settings())),
});

const epochRow = object({
  epoch: d('1-based; 0 is an evaluation before the first step.', integer()),
  step: d('Optimiser steps so far.', integer()),
  trainLoss: optional(number()),
  selection: d('Metrics on the split that chooses the best epoch.', metrics),
  learningRate: d('Of the adapter, after the last step of the row.', optional(number(0))),
  trainSeconds: optional(number(0)),
  evalSeconds: optional(number(0)),
  tokensPerSecond: d('Real tokens, padding not counted.', optional(number(0))),
  medianStepMilliseconds: optional(number(0)),
  meanGradientNorm: d('Before clipping.', optional(number(0))),
  skippedSteps: d(
    'In f16: steps so far whose gradient overflowed, so that no parameter changed.',
    optional(integer()),
  ),
  orthogonalityError: d('Largest Frobenius norm of RᵀR - I over all layers.', optional(number(0))),
});

const parameterCounts = object({
  trainable: d('All that the optimiser updates.', integer()),
  trainableWithoutHead: d("The adapter's own: the paper's #Params.", integer()),
  total: d('Base model, adapter and head.', integer()),
  totalWithoutHead: integer(),
});

const trainInfo = object({
  parameters: parameterCounts,
  selectionMetric: d(
    'Chooses the best epoch (the smaller "loss", the larger anything else) and is the one that tables show.',
    text(),
  ),
  metrics: d('One row an epoch, in order; none for an evaluation.', list(epochRow)),
  best: d(
    'The epoch whose parameters were tested and saved.',
    optional(
      object({ epoch: integer(), step: d('Optimiser steps by then.', optional(integer())), value: number() }),
    ),
  ),
  test: d(
    'Metrics of the best epoch on the reported split; absent for a training by "loss", which other tasks evaluate.',
    optional(metrics),
  ),
  generation: d(
    'What an evaluation generated. unfinished: outputs that reached neither an end nor a stop string.',
    optional(
      object({
        prompts: integer(1),
        tokens: integer(),
        unfinished: integer(),
        tooLong: d('Prompts above the longest padded length: not answered, so wrong.', optional(integer())),
        seconds: number(0),
        tokensPerSecond: d('New tokens; compiling is not counted.', optional(number(0))),
        batchSize: integer(1),
      }),
    ),
  ),
  likelihood: d(
    'What an evaluation compared by likelihood, beside or instead of generating.',
    optional(
      object({
        problems: integer(1),
        choices: integer(1),
        tooLong: d('Prompts above the longest padded length: not compared, so wrong.', optional(integer())),
        seconds: number(0),
      }),
    ),
  ),
  initialisationSeconds: d(
    'Making what an adapter starts from, decompositions of the base weights included; absent without an adapter.',
    optional(number(0)),
  ),
  stepMilliseconds: d('Median: forward, backward and update.', optional(number(0))),
  tokensPerSecond: d('Real tokens over all training time.', optional(number(0))),
  peakMemoryBytes: d('Largest resident set of the training process.', optional(integer())),
  peakDeviceMemoryBytes: optional(integer()),
  adapterFileBytes: optional(integer()),
});

/** What records of every kind say of code and machine. */
export const metaInfoShape = {
  codeInfo: d(
    'Absent where the code is no git work tree. isDirty: uncommitted changes outside results/.',
    optional(object({ commit: text(/^[0-9a-f]{40,64}$/, 'a full commit hash'), isDirty: boolean() })),
  ),
  systemInfo: object({
    os: text(),
    osRelease: text(),
    architecture: text(),
    cpuModel: text(),
    cores: integer(1),
    memoryBytes: integer(1),
    node: text(),
    executor: d('What ran the step: "onnx" or "eager".', text()),
    executionProvider: d('"cpu", "cuda", "wasm", ...', text()),
    threads: d('Threads of the executor; absent when left to it.', optional(integer(1))),
    tf32: d('Whether float32 products may round to TF32; absent without such a device.', optional(boolean())),
    accelerator: optional(text()),
    recompute: d(
      'Activations were computed again in the backward pass; absent where they were kept.',
      optional(boolean()),
    ),
  }),
};

const metaInfo = object({
  modelInfo: object({
    name: text(),
    revision: optional(text()),
    fingerprint: d('SHA-256 of the base weights.', fingerprint),
  }),
  datasetInfo: object({
    name: text(),
    revision: optional(text()),
    splitSeed: d('The seed that cut the splits, equal to seeds.split; absent with it.', optional(integer())),
    splits: list(object({ name: text(), count: integer(1), fingerprint }), 1),
  }),
  codeInfo: metaInfoShape.codeInfo,
  packageInfo: d('Version of every direct dependency.', map(text())),
  systemInfo: metaInfoShape.systemInfo,
});

const runRecord = object({
  schemaVersion: constant(SCHEMA_VERSION),
  runInfo,
  trainInfo,
  metaInfo,
  referenceScore: d(
    'A published score for this method and task, in the unit of the metric.',
    optional(object({ metric: text(), value: number(), source: d('Where it is printed.', text()) })),
  ),
});

export type RunRecord = Infer<typeof runRecord>;
export type RunInfo = Infer<typeof runInfo>;
export type TrainInfo = Infer<typeof trainInfo>;
export type MetaInfo = Infer<typeof metaInfo>;
export type EpochMetrics = Infer<typeof epochRow>;
export type ParameterCounts = Infer<typeof parameterCounts>;
export type SystemInfo = MetaInfo['systemInfo'];
export type ReferenceScore = NonNullable<RunRecord['referenceScore']>;

/** A value that is no record; the message is one line that starts with the JSON path. */
export class RecordError extends Error {
  override readonly name = 'RecordError';

  constructor(message: string, options?: ErrorOptions) {
    super(oneLine(message), options);
  }
}

/** The JSON Schema (draft 2020-12) of a record, as published in `schema/run-record.v1.json`. */
export function recordJsonSchema(): Record<string, unknown> {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: `run-record.v${SCHEMA_VERSION}.json`,
    title: 'Record of one run, of training or of evaluation',
    ...runRecord.jsonSchema,
  };
}

/**
 * Checks a value read from somewhere.
 * @throws RecordError for an unknown version, a missing, unknown or wrong field, or parts that contradict each other
 */
export function checkRecord(value: unknown): RunRecord {
  const version = (value as { schemaVersion?: unknown } | null)?.schemaVersion;
  if (Number.isInteger(version) && version !== SCHEMA_VERSION)
    throw new RecordError(`schemaVersion: ${show(version)} is not known; this code reads ${SCHEMA_VERSION}`);
  const problem = runRecord.check(value, '') ?? contradiction(value as RunRecord);
  if (problem !== undefined) throw new RecordError(problem);
  return value as RunRecord;
}

/** What a JSON Schema cannot say: how fields depend on one another. */
function contradiction({ runInfo, trainInfo, metaInfo }: RunRecord): string | undefined {
  const { status, error, evaluates, evaluationConfig } = runInfo;
  if ((status === 'failed') !== (error !== undefined))
    return `runInfo.error: must be there exactly when status is "failed", which is "${status}"`;
  if (error?.includes('\n')) return `runInfo.error: must be one line, got ${show(error)}`;
  const { metrics: rows, best, test, selectionMetric, parameters } = trainInfo;
  // A run that trained on what it would choose by keeps its last epoch: its rows have no selection either.
  const chooses = rows.some(({ selection }) => selectionMetric in selection);
  const isEvaluation = evaluationConfig !== undefined;
  if (evaluates !== undefined && !isEvaluation)
    return 'runInfo.evaluationConfig: missing, but runInfo.evaluates is there';
  if (isEvaluation && rows.length > 0) return 'trainInfo.metrics: an evaluation has no epochs';
  // A language model's training reports nothing: evaluations of what it trained do.
  const isReported = isEvaluation || selectionMetric !== 'loss';
  if (status === 'completed' && isReported && test === undefined)
    return 'trainInfo.test: missing, but the run completed';
  if (status === 'completed' && !isEvaluation && best === undefined && (chooses || rows.length === 0))
    return 'trainInfo.best: missing, but the run completed';
  if (test !== undefined && !(selectionMetric in test))
    return `trainInfo.test: has no "${selectionMetric}", the selection metric`;
  const unordered = rows.findIndex((row, index) => index > 0 && row.epoch <= rows[index - 1]!.epoch);
  if (unordered > 0) return `trainInfo.metrics[${unordered}].epoch: must be above the row before`;
  if (best !== undefined) {
    const row = rows.find(({ epoch }) => epoch === best.epoch);
    if (row === undefined) return `trainInfo.best.epoch: no metrics row has epoch ${best.epoch}`;
    if (row.selection[selectionMetric] !== best.value)
      return `trainInfo.best.value: ${best.value} differs from ${show(row.selection[selectionMetric])} in its row`;
  }
  if (parameters.trainable > parameters.total)
    return `trainInfo.parameters.trainable: ${parameters.trainable} is above total ${parameters.total}`;
  if (parameters.trainableWithoutHead > parameters.trainable)
    return `trainInfo.parameters.trainableWithoutHead: ${parameters.trainableWithoutHead} is above trainable ${parameters.trainable}`;
  if (metaInfo.datasetInfo.splitSeed !== runInfo.seeds.split)
    return `metaInfo.datasetInfo.splitSeed: ${show(metaInfo.datasetInfo.splitSeed)} differs from runInfo.seeds.split ${show(runInfo.seeds.split)}`;
  return undefined;
}
