/** What a kind of task (text, images) has to tell, for runs that know neither words nor pixels. */
import { DataError } from '@psoft/datasets';
import type { Model } from '@psoft/engine';
import type { Task } from '@psoft/models';
import type { FitTask, SelectionRule } from '../../fit.ts';
import { ConfigError, type RunConfig, type TrainingSettings } from '../config.ts';
import type { SourceHooks } from '../sources.ts';
import type { TaskDefinition, TextDefinition } from '../tasks.ts';

/** A split as it enters the record. */
export interface SplitInfo {
  readonly name: string;
  readonly source: string;
  readonly count: number;
  readonly fingerprint: string;
}

/** Seeds of a run's streams, all recorded. */
export interface Seeds {
  readonly init: number;
  readonly order: number;
  readonly dropout: number;
  /** Absent where the splits are the published ones. */
  readonly split?: number;
}

/** The data of a task, read and cut: what each part is for. */
export interface TaskData {
  readonly infos: readonly SplitInfo[];
  /** Commit of the data set, where it came from the Hub. */
  readonly revision?: string;
}

export interface PreparedTask {
  readonly definition: TaskDefinition;
  readonly fit: FitTask;
  readonly splits: readonly SplitInfo[];
  /** What chooses the epoch; absent where the last one is kept. */
  readonly selection?: SelectionRule;
  /** The splits that a finished run reports on, the first under the task's own metric names; none where others do. */
  readonly reported: readonly string[];
  /** Examples that fill the maximum length: they may have been cut. */
  readonly atMaxLength: number;
  /** Gold labels of a split, in the order of its predictions. */
  labels(split: string): ArrayLike<number>;
  /** What the user should know about the examples as they were made ready. */
  readonly note?: string;
  /** One example as the model sees it, for a look before a long run. */
  sample?(): ExampleSample;
}

/** A training example, rendered, tokenised and masked. */
export interface ExampleSample {
  readonly index: number;
  readonly tokens: number;
  /** What is read but not learnt, special tokens shown. */
  readonly given: string;
  /** What the loss counts. */
  readonly learnt: string;
  readonly learntTokens: number;
  readonly paddedTo: number;
}

export interface ReadRequest {
  readonly config: RunConfig;
  /** Of the base model, on this machine. */
  readonly modelFolder: string;
  readonly hooks: SourceHooks;
}

/**
 * @typeParam Reader what turns examples into inputs of the model: a tokenizer, an image processor
 */
export interface TaskKind<Definition, Data extends TaskData, Reader> {
  /** What the model is used for. */
  readonly modelTask: Task;
  /** Whether the seed of a run decides how the data is cut. */
  readonly isCutBySeed: boolean;
  /** @throws DataError or HubError */
  read(definition: Definition, request: ReadRequest, splitSeed: number): Promise<Data>;
  /** @throws DataError for a model folder that lacks it */
  openReader(modelFolder: string): Promise<Reader>;
  prepare(
    definition: Definition,
    data: Data,
    training: TrainingSettings,
    reader: Reader,
    model: Model,
    seeds: Seeds,
  ): PreparedTask;
}

/** Of a task whose examples have labels. */
type Labelled = Pick<TextDefinition, 'classes'>;

/** @throws DataError naming the first label that the task does not have */
export function checkLabels(
  { source, labels }: { readonly source: string; readonly labels: ArrayLike<number> },
  { classes }: Labelled,
): void {
  const isLabel = (label: number) =>
    classes === undefined
      ? Number.isFinite(label)
      : Number.isInteger(label) && label >= 0 && label < classes.length;
  for (let at = 0; at < labels.length; at++)
    if (!isLabel(labels[at]!))
      throw new DataError(
        `${source}: example ${at + 1} has label ${labels[at]}, the task has ${classes === undefined ? 'scores' : `classes 0 to ${classes.length - 1}`}`,
      );
}

/** What a task's metrics compare: the most probable class, the first of equals; or the score as it is. */
export function predictionOf({ classes }: Labelled, logits: ArrayLike<number>): number {
  if (classes === undefined) return logits[0]!;
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i;
  return best;
}

/** @throws ConfigError for data that this kind of task does not come as */
export function refuseUrl({ experiment, task, dataUrl }: RunConfig): void {
  if (dataUrl !== undefined)
    throw new ConfigError(
      `${experiment}/${task} is not read from a URL: give --data-dir with the files of ${dataUrl}`,
    );
}

/** @throws ConfigError for settings that would be without effect */
export function refuseInstructionSettings(training: TrainingSettings): void {
  for (const name of ['microBatchSize', 'lossOnPrompt', 'promptTemplate'] as const)
    if (training[name] !== undefined)
      throw new ConfigError(
        `training setting "${name}" is for language models that learn to respond: leave it out`,
      );
}
