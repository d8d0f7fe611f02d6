import path from 'node:path';
import type { Executor } from '@psoft/engine';
import { createProgress } from '@psoft/training/progress';
import { type RunSummary, superviseRun } from '@psoft/training/supervise';
import { type Command, Option } from 'commander';
import { rankSettings, readMethodFlags } from '../methodFlags.ts';
import { resolveRun, type TrainOptions } from '../resolve.ts';
import { findExperiments, pick, ROOT } from '../workspace.ts';
import { positiveNumber, wholeNumber } from './numbers.ts';

interface Options extends TrainOptions {
  readonly executor: Executor;
  readonly threads?: number;
  readonly resultsDir: string;
  readonly runsDir: string;
}

/** Written out, so that the command does not load the engine only to parse its options. */
const EXECUTORS: readonly Executor[] = ['cpu', 'eager-cpu', 'eager-wasm'];

const STOPPED_BY_SIGNAL = 130;

export function addTrainCommand(program: Command, done: (code: number) => void): void {
  program
    .command('train')
    .description(
      'Train one method on one task with one seed, evaluate it and record the result. ' +
        'A run that was asked for always runs; its record replaces the one of the same configuration.',
    )
    .argument('<target>', 'EXPERIMENT/TASK, for example nlu/cola (psoft tasks lists them)')
    .option(
      '--profile <name>',
      'tiny: our small model and generated data, offline; paper: the paper’s',
      'tiny',
    )
    .option('--method <name>', 'what is trained: psoft methods lists them', 'psoft')
    .option('--seed <n>', 'decides head, order, dropout and validation halves', wholeNumber, 1)
    .option('--rank <r>', 'rank of the adapter, where it has one; alpha follows it unless given', wholeNumber)
    .option('--alpha <a>', 'the adapter’s scaling is alpha / rank', positiveNumber)
    .option(
      '--set <key=value>',
      'any other setting of the adapter, as is --its-name; may be repeated',
      collect,
      [],
    )
    .allowUnknownOption()
    .allowExcessArguments()
    .option('--epochs <n>', 'passes over the training set', wholeNumber)
    .option('--batch-size <n>', 'examples a step', wholeNumber)
    .option('--learning-rate <x>', 'peak learning rate of the adapter', positiveNumber)
    .option('--head-learning-rate <x>', 'peak learning rate of pooler and classifier', positiveNumber)
    .option('--max-length <n>', 'tokens an input is cut to', wholeNumber)
    .option('--max-steps <n>', 'end after so many steps, for a trial', wholeNumber)
    .option('--data-dir <folder>', 'the real data set in its official layout, instead of generated data')
    .option('--model-dir <folder>', 'the base model: config.json, model.safetensors, tokenizer files')
    .addOption(
      new Option('--executor <name>', 'cpu: compiled, ONNX Runtime; the others call tfjs kernels one by one')
        .choices(EXECUTORS)
        .default('cpu'),
    )
    .option('--threads <n>', 'threads inside one operator (default: ONNX Runtime’s choice)', wholeNumber)
    .option('--results-dir <folder>', 'where records go', path.join(ROOT, 'results'))
    .option('--runs-dir <folder>', 'where adapters, predictions and logs go', path.join(ROOT, 'runs'))
    .addHelpText(
      'after',
      `
Examples:
  psoft train nlu/cola                          the tiny profile, PSOFT, seed 1
  psoft train nlu/cola --method=head --seed=2   the head alone
  psoft train nlu/cola --data-dir DIR           the real CoLA (DIR holds train.tsv and dev.tsv)
  psoft train nlu/cola --use-cayley-neumann --num-cayley-neumann-terms=5
  psoft train nlu/cola --method=oft --oft-block-size=16`,
    )
    .action(async (target: string, options: Options, command: Command) => {
      const experiments = findExperiments();
      const config = resolveRun(experiments, target, withFlags(target, options, command), rankSettings);
      const { executor, threads, resultsDir, runsDir } = options;
      const summary = await runWithProgress({
        config,
        options: {
          executor,
          resultsFolder: path.resolve(resultsDir),
          runsFolder: path.resolve(runsDir),
          ...(threads === undefined ? {} : { threads }),
        },
      });
      process.stdout.write(report(summary));
      if (summary.status === 'cancelled') done(STOPPED_BY_SIGNAL);
    });
}

/** Words that are no option of the command are settings of the method. */
function withFlags(target: string, options: Options, command: Command): TrainOptions {
  const rest = command.args.slice(1);
  if (rest.length === 0) return options;
  const experiment = findExperiments().get(target.split('/')[0]!);
  const entry = experiment && pick(experiment.methods, options.method, 'method');
  const known = command.options.map(({ long }) => long!);
  return { ...options, settings: readMethodFlags(rest, entry?.method ?? options.method, known) };
}

function collect(value: string, all: string[]): string[] {
  return [...all, value];
}

export async function runWithProgress(request: Parameters<typeof superviseRun>[0]): Promise<RunSummary> {
  let progress: ReturnType<typeof createProgress> | undefined;
  let metric: { name: string; value: number } | undefined;
  try {
    return await superviseRun(request, {
      onNote: (text) => process.stderr.write(`${text}\n`),
      onStep: ({ step, totalSteps, loss, tokensPerSecond }) => {
        progress ??= createProgress({ stream: process.stderr, total: totalSteps, label: 'train' });
        progress.update(step, { loss, speed: tokensPerSecond, ...(metric === undefined ? {} : { metric }) });
      },
      onEpoch: ({ row, isBest }) => {
        const [first] = Object.entries(row.selection);
        if (first) metric = { name: first[0], value: first[1] };
        progress?.log(
          `epoch ${row.epoch}: loss ${row.trainLoss.toFixed(4)}, selection ${formatMetrics(row.selection)}${isBest ? ' (best)' : ''}`,
        );
      },
    });
  } finally {
    progress?.done();
  }
}

function formatMetrics(metrics: Readonly<Record<string, number>>): string {
  return Object.entries(metrics)
    .map(([name, value]) => `${name} ${value.toFixed(2)}`)
    .join(', ');
}

function report(summary: RunSummary): string {
  const lines =
    summary.status === 'cancelled'
      ? ['stopped before the end; nothing was added to the results']
      : [
          `report half: ${formatMetrics(summary.metrics)} (epoch ${summary.bestEpoch}, chosen on the other half)`,
        ];
  if (summary.adapterFolder) lines.push(`adapter: ${path.relative(process.cwd(), summary.adapterFolder)}`);
  lines.push(`record:  ${path.relative(process.cwd(), summary.recordFile)}`);
  return `${lines.join('\n')}\n`;
}
