/** Predictions of a finished run on new texts, or on GLUE's test sets in the form that its server takes. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import {
  encodeExamples,
  evaluationBatches,
  GLUE_TASKS,
  type GlueSplit,
  type HubData,
  readGlue,
  readGlueFromHub,
  readTexts,
  SCORE_RANGE,
  type TextExample,
  type TextFormat,
  textSpec,
  writePredictions,
} from '@psoft/datasets';
import { writeFileAtomically } from '@psoft/engine';
import { Evaluator } from '../evaluator.ts';
import { ParameterVector } from '../parameters.ts';
import { type RunHooks, sourceHooks } from './execute.ts';
import type { ExecutionOptions } from './protocol.ts';
import { loadRun, type SavedRun } from './saved.ts';
import { taskOf } from './sources.ts';
import { predictionOf } from './task.ts';

export interface PredictRequest extends ExecutionOptions {
  /** Of a finished run, or of the adapter in it. */
  readonly folder: string;
  /** The base model, where it lies elsewhere than in training. */
  readonly modelFolder?: string;
  readonly batchSize?: number;
  readonly from: TextSource | TestSource;
}

/** A file of texts, or standard input ("-"). */
export interface TextSource {
  readonly kind: 'texts';
  readonly input: string;
  readonly format: TextFormat;
  /** Names of the text columns, where they are not the task's. */
  readonly columns?: readonly string[];
  /** Standard output when left out. */
  readonly output?: string;
  readonly outputFormat: TextFormat;
}

/** The task's test sets. */
export interface TestSource {
  readonly kind: 'glue';
  readonly dataFolder?: string;
  readonly dataHub?: HubData;
  readonly outputFolder: string;
}

export interface PredictSummary {
  readonly rows: number;
  /** Rows that fill the maximum length: they may have been cut. */
  readonly atMaxLength: number;
  readonly seconds: number;
  /** Nothing for standard output. */
  readonly files: readonly string[];
}

/** @throws ConfigError, DataError or HubError: one line each. Files are written whole or not at all. */
export async function predict(request: PredictRequest, hooks: RunHooks): Promise<PredictSummary> {
  const run = await loadRun(request.folder, sourceHooks(hooks), request.modelFolder);
  return request.from.kind === 'texts'
    ? predictTexts(run, request, request.from, hooks)
    : predictTests(run, request, request.from, hooks);
}

async function predictTexts(
  run: SavedRun,
  request: PredictRequest,
  from: TextSource,
  hooks: RunHooks,
): Promise<PredictSummary> {
  const definition = taskOf(run.config);
  const task = GLUE_TASKS[definition.glue];
  const names = from.columns === undefined ? [task.texts, task.hubTexts ?? task.texts] : [from.columns];
  const examples = await readTexts(from.input, from.format, names);
  const { outputs, ...summary } = await outputsFor(run, request, examples, hooks);
  const text = writePredictions(outputs, from.outputFormat, definition.classes);
  if (from.output === undefined) {
    await new Promise<void>((resolve, reject) =>
      process.stdout.write(text, (error) => (error ? reject(error) : resolve())),
    );
    return { ...summary, files: [] };
  }
  await mkdir(path.dirname(path.resolve(from.output)), { recursive: true });
  await writeFileAtomically(from.output, async (handle) => void (await handle.writeFile(text)));
  return { ...summary, files: [from.output] };
}

async function predictTests(
  run: SavedRun,
  request: PredictRequest,
  from: TestSource,
  hooks: RunHooks,
): Promise<PredictSummary> {
  const definition = taskOf(run.config);
  const { glue, classes } = definition;
  const task = GLUE_TASKS[glue];
  const splits = Object.keys(task.submission) as GlueSplit[];
  const files: string[] = [];
  let total = { rows: 0, atMaxLength: 0, seconds: 0 };
  for (const split of splits) {
    const { examples } =
      from.dataFolder !== undefined
        ? await readGlue(from.dataFolder, glue, split)
        : (await readGlueFromHub(from.dataHub!, glue, [split], sourceHooks(hooks))).splits[split]!;
    const { outputs, ...summary } = await outputsFor(run, request, examples, hooks);
    const lines = outputs.map((logits, index) => {
      const value = predictionOf(definition, logits);
      const [low, high] = SCORE_RANGE;
      if (classes === undefined) return `${index}\t${Math.min(high, Math.max(low, value)).toFixed(3)}`;
      return `${index}\t${task.writesNames ? classes[value] : value}`;
    });
    const file = path.join(from.outputFolder, task.submission[split]!);
    await mkdir(from.outputFolder, { recursive: true });
    const text = `index\tprediction\n${lines.join('\n')}\n`;
    await writeFileAtomically(file, async (handle) => void (await handle.writeFile(text)));
    files.push(file);
    total = {
      rows: total.rows + summary.rows,
      atMaxLength: total.atMaxLength + summary.atMaxLength,
      seconds: total.seconds + summary.seconds,
    };
  }
  return { ...total, files };
}

async function outputsFor(
  { config, model, tokenizer }: SavedRun,
  { executor, threads, batchSize = config.training.batchSize }: PredictRequest,
  examples: readonly TextExample[],
  hooks: RunHooks,
) {
  const { buckets, maxLength } = config.training;
  const start = performance.now();
  const encoded = encodeExamples(tokenizer, examples, maxLength);
  const batches = evaluationBatches(encoded, { batchSize, buckets, padId: tokenizer.padId });
  const vector = new ParameterVector(model.parameters);
  const evaluator = new Evaluator(model, vector, { executor, ...(threads === undefined ? {} : { threads }) });
  try {
    const outputs = await evaluator.predict(
      batches,
      (bucket) => textSpec(batchSize, bucket),
      (done) => hooks.step({ step: done, totalSteps: batches.length, loss: Number.NaN, tokensPerSecond: 0 }),
    );
    return {
      outputs,
      rows: examples.length,
      atMaxLength: encoded.filter(({ ids }) => ids.length === maxLength).length,
      seconds: (performance.now() - start) / 1000,
    };
  } finally {
    await evaluator.dispose();
  }
}
