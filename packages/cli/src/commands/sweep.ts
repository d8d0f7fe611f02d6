import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { RunRecord } from '@psoft/results';
import { ConfigError } from '@psoft/training/config';
import { type Command, Option } from 'commander';
import { isEvaluation } from '../cells.ts';
import { rankSettings } from '../methodFlags.ts';
import { dataOptions } from '../resolve.ts';
import { type PointRun, pointsOf, runsOf, type SweepOptions } from '../sweep/points.ts';
import { frontierPoints, rowsOf, tableOfRows } from '../sweep/report.ts';
import { readSweep, type Sweep } from '../sweep/spec.ts';
import { findExperiments, pick } from '../workspace.ts';
import { seedList, wholeNumber } from './numbers.ts';
import { STOPPED_BY_SIGNAL, sourceEvents } from './progress.ts';
import {
  addRunOptions,
  addSourceOptions,
  type RunOptionValues,
  runOptionsOf,
  type SourceOptionValues,
} from './runOptions.ts';
import { type Outcome, runSeries } from './series.ts';
import { formatTable, TABLE_FORMATS, type TableFormat } from './textTable.ts';

interface Options extends RunOptionValues, SourceOptionValues {
  readonly profile: string;
  readonly seeds?: readonly number[];
  readonly maxSteps?: number;
  readonly limit?: number;
  readonly scorer?: string;
  readonly format: TableFormat;
  readonly out?: string;
  readonly chart?: string;
}

/** What a sweep is about to run, resolved and checked as a whole. */
interface Planned {
  readonly sweep: Sweep;
  readonly seeds: readonly number[];
  readonly runs: readonly PointRun[];
}

export function addSweepCommand(program: Command, done: (code: number) => void): void {
  const sweep = program
    .command('sweep')
    .description(
      'Run what a file of settings asks for: ranks, modules, rates, methods, in all combinations or as a list.',
    );

  addSweepOptions(
    sweep.command('plan').description('Say what a sweep runs, and what of it is recorded already.'),
  ).action(async (target: string, options: Options) => {
    const planned = planOf(target, options);
    const isRecorded = await findRecorded(planned, options);
    const points = pointsOf(planned.sweep, options.profile).length;
    const open = isRecorded.filter((found) => !found).length;
    for (const [i, { label, config }] of planned.runs.entries())
      process.stdout.write(
        `${'unavailable' in config ? config.unavailable : isRecorded[i] ? 'recorded' : 'to run  '}  ${label}\n`,
      );
    process.stdout.write(
      `${planned.sweep.title}, profile ${options.profile}: ${points} settings, seeds ${planned.seeds.join(', ')}, ${planned.runs.length} runs, ${open} of them to run\n`,
    );
  });

  addSweepOptions(
    sweep
      .command('run')
      .description(
        'Run a sweep, print its table and draw score against trained values. What is recorded is not run again.',
      ),
  )
    .addOption(
      new Option('--format <name>', 'how the table is printed').choices(TABLE_FORMATS).default('text'),
    )
    .option('--out <file>', 'write the table there as well')
    .option('--chart <file>', 'where the chart goes (default: charts/ below the records)')
    .action(async (target: string, options: Options) => {
      const planned = planOf(target, options);
      // Settings that no method takes must not show after an hour.
      await findRecorded(planned, options);
      const outcomes = await runSeries(planned.runs, runOptionsOf(options));
      if (outcomes === undefined) {
        process.stdout.write('stopped; run it again to go on\n');
        return done(STOPPED_BY_SIGNAL);
      }
      await report(planned, outcomes, options);
      if (outcomes.some((outcome) => 'failure' in outcome && !outcome.isKnown)) done(1);
    });
}

function addSweepOptions(command: Command): Command {
  return addRunOptions(
    addSourceOptions(
      command
        .argument('<sweep>', 'EXPERIMENT/SWEEP, for example commonsense/table18, or the path of a .json file')
        .option('--profile <name>', 'tiny or paper', 'tiny')
        .option('--seeds <list>', 'separated by commas (default: the sweep’s)', seedList)
        .option('--max-steps <n>', 'end every run after so many steps, for a trial', wholeNumber)
        .option('--limit <n>', 'evaluate on the first so many problems only, for a trial', wholeNumber)
        .option('--scorer <name>', 'of evaluations: whose verdict is shown (default: the experiment’s)'),
    ),
  );
}

function planOf(target: string, options: Options): Planned {
  const experiments = findExperiments();
  const sweep = readSweep(target, experiments);
  const seeds = options.seeds ?? pick(sweep.seeds, options.profile, `profile of the sweep ${sweep.name}`);
  const runs = runsOf(sweep, experiments, sweepOptions(options), seeds, rankSettings);
  return { sweep, seeds, runs };
}

function sweepOptions(options: Options): SweepOptions {
  const { profile, maxSteps, limit, scorer, modelDir, model, precision } = options;
  const given = { profile, maxSteps, limit, scorer, modelDir, model, precision, ...dataOptions(options) };
  return Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  ) as unknown as SweepOptions;
}

/**
 * Whether each run is recorded, in order. An evaluation of a training that is not is not.
 * @throws ConfigError and AdapterConfigError for settings that cannot be
 */
async function findRecorded({ runs }: Planned, options: Options): Promise<boolean[]> {
  const [{ RecordFinder }, { EvaluationFinder }] = await Promise.all([
    import('@psoft/training/identity'),
    import('@psoft/training/evaluations'),
  ]);
  const { onNote } = sourceEvents();
  const hooks = { onNote: (line: string) => onNote?.(line) };
  const { resultsFolder } = runOptionsOf(options);
  const [finder, evaluations] = [
    new RecordFinder(resultsFolder, hooks),
    new EvaluationFinder(resultsFolder, hooks),
  ];
  const found: boolean[] = [];
  for (const { config } of runs) {
    if ('unavailable' in config) found.push(true);
    else if (!isEvaluation(config)) found.push((await finder.find(config)) !== undefined);
    else found.push(await evaluations.isRecorded(config, finder));
  }
  return found;
}

async function report({ sweep, seeds, runs }: Planned, outcomes: readonly Outcome[], options: Options) {
  // Vega takes a moment to load.
  const { describeSkipped, frontier, readRecords, renderSvg, writeAtomically } = await import(
    '@psoft/results'
  );
  const { resultsFolder } = runOptionsOf(options);
  const { records, skipped } = await readRecords(resultsFolder, {
    experiment: sweep.experiment,
    profile: options.profile,
  });
  for (const line of describeSkipped(resultsFolder, skipped)) process.stderr.write(`${line}\n`);
  const byHash = new Map(records.map((record): [string, RunRecord] => [record.runInfo.configHash, record]));
  const rows = rowsOf(runs, outcomes, byHash);
  const first = outcomes.flatMap((one) => ('record' in one ? [one.record] : []))[0];
  const metric = first?.trainInfo.selectionMetric ?? 'score';
  const isLoss = metric === 'loss';
  const { header, body } = tableOfRows(rows, sweep.tasks, isLoss ? 4 : 1);
  const text = formatTable(header, body, options.format);
  const scorer = first?.runInfo.evaluationConfig?.scorer;
  const setting = `profile ${options.profile}, seeds ${seeds.join(', ')}${scorer === undefined ? '' : `, ${scorer} scorer`}`;
  if (options.format !== 'csv') process.stdout.write(`${sweep.title}, ${setting}\n\n`);
  process.stdout.write(`${text.join('\n')}\n`);
  if (options.out !== undefined) {
    await mkdir(path.dirname(path.resolve(options.out)), { recursive: true });
    await writeAtomically(path.resolve(options.out), `${text.join('\n')}\n`);
  }
  const points = frontierPoints(rows);
  if (points.length === 0) return;
  const chart = frontier(points, {
    title: sweep.title,
    subtitle: setting,
    costTitle: 'trained values',
    scoreTitle: isLoss ? 'loss on held-out examples' : sweep.tasks.length > 1 ? `mean ${metric}` : metric,
    isSmallerBetter: isLoss,
  });
  const file = path.resolve(
    options.chart ??
      path.join(resultsFolder, 'charts', options.profile, sweep.experiment, `${sweep.name}.svg`),
  );
  if (path.extname(file) !== '.svg')
    throw new ConfigError(`--chart takes a .svg file, got "${options.chart}"`);
  await mkdir(path.dirname(file), { recursive: true });
  await writeAtomically(file, await renderSvg(chart));
  process.stderr.write(`chart: ${path.relative(process.cwd(), file)}\n`);
}
