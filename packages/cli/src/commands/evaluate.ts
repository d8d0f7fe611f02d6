import path from 'node:path';
import { PRECISIONS, type RunPrecision } from '@psoft/engine/devices';
import { ConfigError } from '@psoft/training/config';
import type { EvaluationConfig } from '@psoft/training/evaluation';
import { createProgress } from '@psoft/training/progress';
import {
  type EvaluateRequest,
  type EvaluationSummary,
  type RunEvents,
  supervise,
} from '@psoft/training/supervise';
import { type Command, Option } from 'commander';
import { rankSettings } from '../methodFlags.ts';
import { dataOptions, type TrainOptions } from '../resolve.ts';
import { BASE, isChanged, resolveEvaluation } from '../resolveEvaluation.ts';
import { findExperiments } from '../workspace.ts';
import { addDecodingOptions, type DecodingValues, strategyOf } from './decoding.ts';
import { positiveNumber, wholeNumber } from './numbers.ts';
import { formatMetrics, STOPPED_BY_SIGNAL, sourceEvents, type Watch } from './progress.ts';
import {
  addPromptOptions,
  addRunOptions,
  addSourceOptions,
  type RunOptionValues,
  runOptionsOf,
} from './runOptions.ts';
import { collect, withFlags } from './train.ts';

interface Options extends Omit<TrainOptions, 'batchSize' | 'precision'>, RunOptionValues, DecodingValues {
  readonly base?: boolean;
  readonly adapter?: string;
  readonly run?: string;
  readonly scorer?: string;
  readonly maxNewTokens?: number;
  readonly batchSize?: number;
  readonly limit?: number;
  readonly merge: boolean;
  readonly trainedPrecision?: RunPrecision;
}

export function addEvaluateCommand(program: Command, done: (code: number) => void): void {
  const command = program
    .command('evaluate')
    .description(
      'Let what a finished run trained answer a set of problems, grade the answers and record the score. ' +
        'Nothing is trained: the newest matching run is taken.',
    )
    .argument('<target>', 'EXPERIMENT/TASK that evaluates, for example math/gsm8k (psoft tasks lists them)')
    .option('--profile <name>', 'tiny or paper', 'tiny')
    .option('--method <name>', 'what was trained', 'psoft')
    .option('--seed <n>', 'of the run; also of what is drawn with --strategy sample', wholeNumber, 1)
    .option('--run <folder>', 'this run, below runs/, instead of the newest that matches')
    .option('--adapter <folder>', 'an adapter from elsewhere, in PEFT’s layout, on the profile’s model')
    .option('--base', 'the base model, untrained')
    .option('--scorer <name>', 'whose verdict is the score; the others’ are recorded beside it')
    .option('--max-new-tokens <n>', 'an answer is cut after so many', wholeNumber)
    .option('--batch-size <n>', 'problems that are answered at once', wholeNumber)
    .option('--limit <n>', 'only the first so many problems, for a trial', wholeNumber)
    .option('--no-merge', 'apply the adapter beside the weights instead of folding it into them')
    .option('--rank <r>', 'the run with this rank', wholeNumber)
    .option('--alpha <a>', 'the run with this alpha', positiveNumber)
    .option('--epochs <n>', 'the run of so many epochs', wholeNumber)
    .option('--learning-rate <x>', 'the run with this rate', positiveNumber)
    .option('--max-steps <n>', 'the run that ended after so many steps', wholeNumber)
    .addOption(
      new Option(
        '--trained-precision <name>',
        'the run trained in it; --precision is of the answers',
      ).choices(PRECISIONS),
    )
    .option('--set <key=value>', 'the run with this setting of the adapter; may be repeated', collect, [])
    .allowUnknownOption()
    .allowExcessArguments();
  addRunOptions(addSourceOptions(addPromptOptions(addDecodingOptions(command))))
    .addHelpText(
      'after',
      `
Examples:
  psoft evaluate math/gsm8k                          the newest run of psoft train math/train, PSOFT, seed 1
  psoft evaluate math/gsm8k --method=lora --seed=2 --scorer=strict
  psoft evaluate math/gsm8k --base                   the untuned model
  psoft evaluate math/gsm8k --adapter DIR            an adapter that another program trained
  psoft evaluate math/gsm8k --data-dir DIR --limit=100   real problems (DIR holds test.jsonl)`,
    )
    .action(async (target: string, options: Options, command: Command) => {
      const experiments = findExperiments();
      const sources = ['run', 'adapter', 'base'].filter(
        (name) => options[name as keyof Options] !== undefined,
      );
      if (sources.length > 1)
        throw new ConfigError(`give --${sources.join(' or --')}: one thing is evaluated at a time`);
      // The problems' folder is not the training data's.
      const { dataDir: _, dataUrl: __, dataHub: ___, batchSize, precision: ____, ...rest } = options;
      const { trainedPrecision } = options;
      const asked = {
        ...rest,
        ...(trainedPrecision === undefined ? {} : { precision: trainedPrecision }),
        method: options.base ? BASE : options.method,
      };
      const training = withFlags(target, asked, command);
      const config = resolveEvaluation(
        experiments,
        target,
        {
          training,
          ...dataOptions(options),
          ...(batchSize === undefined ? {} : { batchSize }),
          ...evaluationOptions(options),
        },
        rankSettings,
      );
      const runOptions = runOptionsOf(options);
      const subject = await subjectOf(config, options, training, runOptions);
      if (subject.kind === 'run')
        process.stderr.write(`evaluating ${path.relative(process.cwd(), subject.folder)}\n`);
      const summary = await evaluateWithProgress({ config, subject, options: runOptions });
      process.stdout.write(evaluationReport(summary, config));
      if (summary.status === 'cancelled') done(STOPPED_BY_SIGNAL);
    });
}

function evaluationOptions(options: Options) {
  const { scorer, maxNewTokens, limit, merge, precision } = options;
  const strategy = strategyOf(options, options.seed);
  return {
    ...(scorer === undefined ? {} : { scorer }),
    ...(maxNewTokens === undefined ? {} : { maxNewTokens }),
    ...(limit === undefined ? {} : { limit }),
    ...(merge ? {} : { merge }),
    ...(precision === undefined ? {} : { precision }),
    ...(strategy === undefined ? {} : { strategy }),
  };
}

async function subjectOf(
  config: EvaluationConfig,
  { run, adapter, base }: Options,
  training: TrainOptions,
  { resultsFolder, runsFolder }: { readonly resultsFolder: string; readonly runsFolder: string },
): Promise<EvaluateRequest['subject']> {
  if (base) return { kind: 'base' };
  if (adapter !== undefined) return { kind: 'adapter', folder: path.resolve(adapter) };
  // Loads the data package, which a command that only prints help need not.
  const { findTrained, runAt, ON_REAL_DATA } = await import('@psoft/training/evaluations');
  if (run !== undefined) return runAt(run, resultsFolder);
  const onUnread = (line: string) => void process.stderr.write(`${line}\n`);
  const places = { resultsFolder, runsFolder, onUnread };
  const { experiment, task, profile, method, variant, seed } = config.training;
  const query = { experiment, task, profile, method, seed };
  const name = variant === undefined ? method : `${method}-${variant}`;
  const advice = `psoft train ${experiment}/${task} --profile=${profile} --method=${name} --seed=${seed}`;
  // Real problems are for what real data trained, and for what generated data did; the newest is named.
  const real = [variant, ON_REAL_DATA].filter((part) => part !== undefined).join('-');
  const isReal = [config.dataFolder, config.dataUrl, config.dataHub].some((place) => place !== undefined);
  const variants = [variant, ...(isReal && profile === 'tiny' ? [real] : [])];
  if (!isChanged(training)) return findTrained({ ...query, variants }, places, advice);
  const { RecordFinder } = await import('@psoft/training/identity');
  const { configHash } = await import('@psoft/results');
  const identity = await new RecordFinder(resultsFolder).identify(config.training);
  return findTrained({ ...query, variants: [variant], configHash: configHash(identity) }, places, advice);
}

export async function evaluateWithProgress(
  request: EvaluateRequest,
  watch: Watch = {},
): Promise<EvaluationSummary> {
  let progress: ReturnType<typeof createProgress> | undefined;
  try {
    const events: RunEvents = {
      ...sourceEvents(),
      onStep: ({ step, totalSteps, tokensPerSecond }) => {
        watch.onStep?.(step, totalSteps);
        progress ??= createProgress({ stream: process.stderr, total: totalSteps, label: 'evaluate' });
        progress.update(step, { speed: tokensPerSecond });
      },
    };
    return await supervise('evaluate', request, events, watch);
  } finally {
    progress?.done();
  }
}

function generated({
  prompts,
  unfinished,
  tokens,
  tokensPerSecond = 0,
}: NonNullable<EvaluationSummary['generation']>): string {
  return `generated: ${tokens} tokens, ${tokensPerSecond.toFixed(0)} a second; ${unfinished} of ${prompts} outputs did not end`;
}

function evaluationReport(summary: EvaluationSummary, { evaluation: { scorer } }: EvaluationConfig): string {
  if (summary.status === 'cancelled') return 'stopped before the end; nothing was written\n';
  // The chosen scorer's figure stands first, under its own name it would stand twice.
  const { [`${scorer}Accuracy`]: _, ...metrics } = summary.metrics;
  const { generation, likelihood } = summary;
  const problems = generation?.prompts ?? likelihood!.problems;
  const place = (file: string) => path.relative(process.cwd(), file) || file;
  return `${[
    `reported: ${formatMetrics(metrics)} (accuracy is the ${scorer} scorer's, over ${problems} problems)`,
    ...(generation === undefined ? [] : [generated(generation)]),
    ...(likelihood === undefined ? [] : [`compared: ${likelihood.choices} choices by likelihood`]),
    `generations: ${place(summary.generationsFile!)}`,
    `record:  ${place(summary.recordFile!)}`,
  ].join('\n')}\n`;
}
