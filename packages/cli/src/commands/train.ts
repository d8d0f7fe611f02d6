import path from 'node:path';
import { type RunRequest, type RunSummary, supervise } from '@psoft/training/supervise';
import { type Command, Option } from 'commander';
import { rankSettings, readMethodFlags } from '../methodFlags.ts';
import { resolveSearch, type TrainOptions } from '../resolve.ts';
import { findExperiments, pick } from '../workspace.ts';
import { positiveNumber, rateList, wholeNumber } from './numbers.ts';
import { memoryReport, planReport } from './planReport.ts';
import { formatMetrics, runWithProgress, STOPPED_BY_SIGNAL, sourceEvents } from './progress.ts';
import {
  addPromptOptions,
  addRunOptions,
  addSourceOptions,
  type RunOptionValues,
  runOptionsOf,
} from './runOptions.ts';

interface Options extends TrainOptions, RunOptionValues {
  readonly dryRun?: boolean;
}

export function addTrainCommand(program: Command, done: (code: number) => void): void {
  const command = program
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
    .option('--micro-batch-size <n>', 'of them run at once, where a step adds up several runs', wholeNumber)
    .option('--learning-rate <x>', 'peak learning rate of the adapter', positiveNumber)
    .option(
      '--learning-rates <list>',
      'trains with each; the one that does best on the selection split is reported (default: the experiment’s)',
      rateList,
    )
    .option('--head-learning-rate <x>', 'peak learning rate of pooler and classifier', positiveNumber)
    .option('--max-length <n>', 'tokens an input is cut to', wholeNumber)
    .option('--recompute', 'compute activations again in the backward pass: less memory, more time')
    .addOption(
      new Option(
        '--adapter-storage <name>',
        'how frozen tensors of the adapter are stored meanwhile; bf16 halves and rounds them (default: f32)',
      ).choices(['f32', 'bf16']),
    )
    .option('--max-steps <n>', 'end after so many steps, for a trial', wholeNumber)
    .option('--dry-run', 'print what the run would do and cost, timed on a few steps; nothing is written');
  addRunOptions(addSourceOptions(addPromptOptions(command)))
    .addHelpText(
      'after',
      `
Examples:
  psoft train nlu/cola                          the tiny profile, PSOFT, seed 1
  psoft train nlu/cola --method=head --seed=2   the head alone
  psoft train nlu/cola --data-dir DIR           the real CoLA (DIR holds train.tsv and dev.tsv)
  psoft train nlu/rte --profile=paper --dry-run   steps, memory and time of the paper's setting
  psoft train nlu/cola --use-cayley-neumann --num-cayley-neumann-terms=5
  psoft train nlu/cola --method=oft --oft-block-size=16`,
    )
    .action(async (target: string, options: Options, command: Command) => {
      const experiments = findExperiments();
      const runOptions = runOptionsOf(options);
      const requests = resolveSearch(
        experiments,
        target,
        withFlags(target, options, command),
        rankSettings,
      ).map((config) => ({ config, options: runOptions }));
      if (options.dryRun) {
        const memory = requests[0]!.config.model.architecture && (await supervise('memory', requests[0]!));
        if (memory !== undefined) process.stdout.write(memoryReport(memory));
        const plan = await supervise('plan', requests[0]!, sourceEvents());
        process.stdout.write(planReport(plan, requests.length));
        return;
      }
      const summary = await trainAndChoose(requests);
      process.stdout.write(report(summary));
      if (summary.status === 'cancelled') done(STOPPED_BY_SIGNAL);
    });
}

/** Trains every candidate; the first of those that do best on the selection split is the result. */
async function trainAndChoose(requests: readonly RunRequest[]): Promise<RunSummary> {
  let best: { summary: RunSummary; rate: number } | undefined;
  for (const request of requests) {
    const rate = request.config.training.learningRate;
    if (requests.length > 1) process.stderr.write(`learning rate ${rate}:\n`);
    const summary = await runWithProgress(request);
    if (summary.status === 'cancelled') return summary;
    const isBetter = (summary.bestMetric ?? 0) > (best?.summary.bestMetric ?? Number.NEGATIVE_INFINITY);
    if (isBetter) best = { summary, rate };
  }
  if (requests.length > 1)
    process.stdout.write(`learning rate ${best!.rate} does best on the selection split\n`);
  return best!.summary;
}

/** Words that are no option of the command are settings of the method. */
export function withFlags<Options extends TrainOptions>(
  target: string,
  options: Options,
  command: Command,
): Options {
  const rest = command.args.slice(1);
  if (rest.length === 0) return options;
  const experiment = findExperiments().get(target.split('/')[0]!);
  const entry = experiment && pick(experiment.methods, options.method, 'method');
  const known = command.options.map(({ long }) => long!);
  return { ...options, settings: readMethodFlags(rest, entry?.method ?? options.method, known) };
}

export function collect(value: string, all: string[]): string[] {
  return [...all, value];
}

/** A language model's training reports nothing itself: its evaluations do. */
function reported({ metrics }: RunSummary): string {
  return Object.keys(metrics).length === 0 ? 'trained' : `reported: ${formatMetrics(metrics)}`;
}

function chosenBy({ bestEpoch, bestStep }: RunSummary): string {
  return bestEpoch === undefined
    ? 'last epoch'
    : `epoch ${bestEpoch}${bestStep === undefined ? '' : `, step ${bestStep}`}, chosen on the selection split`;
}

function report(summary: RunSummary): string {
  const lines =
    summary.status === 'cancelled'
      ? ['stopped before the end; nothing was added to the results. Run it again to go on']
      : [`${reported(summary)} (${chosenBy(summary)})`];
  if (summary.adapterFolder) lines.push(`adapter: ${path.relative(process.cwd(), summary.adapterFolder)}`);
  lines.push(`record:  ${path.relative(process.cwd(), summary.recordFile)}`);
  return `${lines.join('\n')}\n`;
}
