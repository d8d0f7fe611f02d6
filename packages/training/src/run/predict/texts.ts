import path from 'node:path';
import {
  encodeExamples,
  evaluationBatches,
  GLUE_TASKS,
  type GlueSplit,
  readGlue,
  readGlueFromHub,
  readTexts,
  SCORE_RANGE,
  type TextExample,
  type Tokenizer,
  textSpec,
  writePredictions,
} from '@psoft/datasets';
import { ConfigError } from '../config.ts';
import { type RunHooks, sourceHooks } from '../execute.ts';
import { predictionOf } from '../kinds/kind.ts';
import { textSettings } from '../kinds/text.ts';
import type { SavedRun } from '../saved.ts';
import type { TaskDefinition, TextDefinition } from '../tasks.ts';
import { generates, outputsOf, writeOutput } from './outputs.ts';
import type { PredictRequest, PredictSummary, TestSource, TextSource } from './request.ts';

export async function predictTexts(
  run: SavedRun,
  definition: TaskDefinition,
  request: PredictRequest,
  from: TextSource,
  hooks: RunHooks,
): Promise<PredictSummary> {
  const { glue, classes } = textDefinition(run, definition);
  const task = GLUE_TASKS[glue];
  const names = from.columns === undefined ? [task.texts, task.hubTexts ?? task.texts] : [from.columns];
  const examples = await readTexts(from.input, from.format, names);
  const { outputs, ...summary } = await outputsFor(run, request, examples, hooks);
  const text = writePredictions(outputs, from.outputFormat, classes);
  return { ...summary, files: await writeOutput(text, from.output) };
}

export async function predictTests(
  run: SavedRun,
  anyDefinition: TaskDefinition,
  request: PredictRequest,
  from: TestSource,
  hooks: RunHooks,
): Promise<PredictSummary> {
  const definition = textDefinition(run, anyDefinition);
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
    const text = `index\tprediction\n${lines.join('\n')}\n`;
    files.push(...(await writeOutput(text, file)));
    total = {
      rows: total.rows + summary.rows,
      atMaxLength: total.atMaxLength + summary.atMaxLength,
      seconds: total.seconds + summary.seconds,
    };
  }
  return { ...total, files };
}

function textDefinition({ config }: SavedRun, definition: TaskDefinition): TextDefinition {
  if (definition.kind === 'text') return definition;
  if (definition.kind === 'instructions') throw generates(config.task);
  throw new ConfigError(`the run's task, ${config.task}, reads images: give image files or folders of them`);
}

async function outputsFor(
  run: SavedRun,
  request: PredictRequest,
  examples: readonly TextExample[],
  hooks: RunHooks,
) {
  const { training } = run.config;
  const { buckets, maxLength, batchSize } = textSettings({
    ...training,
    batchSize: request.batchSize ?? training.batchSize,
  });
  const start = performance.now();
  const tokenizer = run.reader as Tokenizer;
  const encoded = encodeExamples(tokenizer, examples, maxLength);
  const batches = evaluationBatches(encoded, { batchSize, buckets, padId: tokenizer.padId });
  const outputs = await outputsOf(
    run,
    request,
    [batches],
    batches.length,
    (bucket) => textSpec(batchSize, bucket),
    hooks,
  );
  return {
    outputs,
    rows: examples.length,
    atMaxLength: encoded.filter(({ ids }) => ids.length === maxLength).length,
    seconds: (performance.now() - start) / 1000,
  };
}
