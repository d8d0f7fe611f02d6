import path from 'node:path';
import { ConfigError } from '@psoft/training/config';
import { createProgress } from '@psoft/training/progress';
import { type PredictRequest, supervise } from '@psoft/training/supervise';
import { type Command, Option } from 'commander';
import { findExperiments } from '../workspace.ts';
import { nameList, wholeNumber } from './numbers.ts';
import { sourceEvents } from './progress.ts';
import { addExecutionOptions, type ExecutionValues, executionOf } from './runOptions.ts';

/** Written out, so that the command does not load the data package only to parse its options. */
const FORMATS = ['csv', 'tsv', 'jsonl'] as const;
type Format = (typeof FORMATS)[number];

interface Options extends ExecutionValues {
  readonly input?: string;
  readonly format?: Format;
  readonly columns?: readonly string[];
  readonly output?: string;
  readonly outputFormat?: Format;
  readonly glue?: boolean;
  readonly dataDir?: string;
  readonly modelDir?: string;
  readonly batchSize?: number;
}

export function addPredictCommand(program: Command, _done: (code: number) => void): void {
  const command = program
    .command('predict')
    .description(
      'Predict with what a finished run trained: on texts from a file or standard input, on images, or on the task’s ' +
        'GLUE test sets.',
    )
    .argument('<run>', 'folder of a finished run below runs/, or of the adapter in it')
    .argument('[images...]', 'image files, and folders of them')
    .option(
      '--input <file>',
      'texts, one row each, with a header line or as JSON objects; - is standard input',
    )
    .addOption(
      new Option('--format <name>', 'of the input (default: by the name of the file)').choices(FORMATS),
    )
    .option('--columns <list>', 'the text columns, separated by commas (default: the task’s names)', nameList)
    .option('--output <file>', 'predictions; with --glue a folder (default: standard output; submission/)')
    .addOption(
      new Option(
        '--output-format <name>',
        'of the predictions (default: by the name of the file, else as the input)',
      ).choices(FORMATS),
    )
    .option('--glue', 'predict the test sets and write the files that GLUE’s server takes')
    .option('--data-dir <folder>', 'with --glue: test sets in the official layout (default: from the Hub)')
    .option('--model-dir <folder>', 'the base model, where it has moved since training')
    .option('--batch-size <n>', 'rows a batch (default: as in training)', wholeNumber);
  addExecutionOptions(command)
    .addHelpText(
      'after',
      `
Examples:
  psoft predict runs/tiny/nlu/rte/psoft-s1-0123abcd --input pairs.csv --output predictions.csv
  echo '{"sentence": "The sailors sleeps."}' | psoft predict RUN --input - --format jsonl
  psoft predict RUN photo.jpg more-photos/ --output labels.csv
  psoft predict RUN --glue --data-dir DIR --output submission`,
    )
    .action(async (folder: string, images: readonly string[], options: Options) => {
      const { batchSize, modelDir } = options;
      const request: PredictRequest = {
        folder: path.resolve(folder),
        ...executionOf(options),
        ...(batchSize === undefined ? {} : { batchSize }),
        ...(modelDir === undefined ? {} : { modelFolder: path.resolve(modelDir) }),
        from: sourceOf(images, options),
      };
      let progress: ReturnType<typeof createProgress> | undefined;
      const summary = await supervise('predict', request, {
        ...sourceEvents(),
        onStep: ({ step, totalSteps }) => {
          progress ??= createProgress({ stream: process.stderr, total: totalSteps, label: 'predict' });
          progress.update(step, {});
        },
      }).finally(() => progress?.done());
      const { rows, atMaxLength, seconds, files } = summary;
      const cut = atMaxLength > 0 ? `; ${atMaxLength} fill the maximum length and may have been cut` : '';
      process.stderr.write(`${rows} ${rows === 1 ? 'row' : 'rows'} in ${seconds.toFixed(1)} s${cut}\n`);
      for (const file of files) process.stderr.write(`${path.relative(process.cwd(), file) || file}\n`);
    });
}

function sourceOf(images: readonly string[], options: Options): PredictRequest['from'] {
  const { input, glue, output, outputFormat } = options;
  if (images.length === 0) return glue ? testSource(options) : textSource(options);
  if (input !== undefined || glue)
    throw new ConfigError(`give images (${images[0]}), --input or --glue: only one of them`);
  return {
    kind: 'images',
    inputs: images.map((one) => path.resolve(one)),
    ...(output === undefined ? {} : { output: path.resolve(output) }),
    outputFormat: outputFormat ?? (output === undefined ? undefined : formatOf(output)) ?? 'jsonl',
  };
}

function textSource(options: Options): PredictRequest['from'] {
  const { input, columns, output } = options;
  if (input === undefined)
    throw new ConfigError('what shall be predicted? Give --input FILE, --input -, image files or --glue');
  const format = options.format ?? formatOf(input);
  if (format === undefined)
    throw new ConfigError(
      `the format of ${input} cannot be told from its name: give --format ${FORMATS.join('|')}`,
    );
  return {
    kind: 'texts',
    input: input === '-' ? input : path.resolve(input),
    format,
    ...(columns === undefined ? {} : { columns }),
    ...(output === undefined ? {} : { output: path.resolve(output) }),
    outputFormat: options.outputFormat ?? (output === undefined ? undefined : formatOf(output)) ?? format,
  };
}

function testSource({ input, dataDir, output = 'submission' }: Options): PredictRequest['from'] {
  if (input !== undefined) throw new ConfigError('give --input or --glue, not both');
  const hub = findExperiments().get('nlu')?.profiles.paper?.data;
  return {
    kind: 'glue',
    outputFolder: path.resolve(output),
    ...(dataDir !== undefined
      ? { dataFolder: path.resolve(dataDir) }
      : hub === undefined || 'url' in hub
        ? {}
        : { dataHub: hub }),
  };
}

function formatOf(file: string): Format | undefined {
  return FORMATS.find((format) => path.extname(file) === `.${format}`);
}
