import { formatCount, formatSpread, type RunRecord, spreadOf, testScore } from '@psoft/results';
import type { Command } from 'commander';
import { candidatesOf } from '../cells.ts';
import { rankSettings } from '../methodFlags.ts';
import { findExperiments, pick } from '../workspace.ts';
import { nameList, rateList, seedList, wholeNumber } from './numbers.ts';
import { STOPPED_BY_SIGNAL } from './progress.ts';
import {
  addRunOptions,
  addSourceOptions,
  type RunOptionValues,
  runOptionsOf,
  type SourceOptionValues,
} from './runOptions.ts';
import { runSearch } from './search.ts';
import { layOut } from './textTable.ts';

interface Options extends RunOptionValues, SourceOptionValues {
  readonly profile: string;
  readonly seeds: readonly number[];
  readonly methods?: readonly string[];
  readonly learningRates?: readonly number[];
  readonly maxSteps?: number;
  readonly limit?: number;
  readonly scorer?: string;
  readonly epochs?: number;
  readonly markdown?: boolean;
}

/** What became of one method: the records of its seeds, and what went wrong. */
interface Row {
  readonly name: string;
  readonly records: RunRecord[];
  readonly failures: string[];
}

export function addCompareCommand(program: Command, done: (code: number) => void): void {
  const command = program
    .command('compare')
    .description(
      'Train every method of an experiment on one task over several seeds and print one table. Runs that are recorded ' +
        'already are not done again, so that it can be interrupted and continued.',
    )
    .argument('<target>', 'EXPERIMENT/TASK, for example nlu/cola')
    .option('--profile <name>', 'tiny or paper', 'tiny')
    .option('--seeds <list>', 'separated by commas', seedList, [1, 2, 3])
    .option(
      '--methods <list>',
      'some of the experiment’s methods, separated by commas (default: all)',
      nameList,
    )
    .option(
      '--learning-rates <list>',
      'tried for every method; the one that does best on the selection split is reported (default: the experiment’s)',
      rateList,
    )
    .option('--epochs <n>', 'passes over the training set, for all', wholeNumber)
    .option('--max-steps <n>', 'end every run after so many steps, for a trial', wholeNumber)
    .option(
      '--scorer <name>',
      'of evaluations: whose verdict is shown, in every cell (default: the experiment’s)',
    )
    .option('--limit <n>', 'evaluate on the first so many problems only, for a trial', wholeNumber)
    .option('--markdown', 'print the table as markdown');
  addRunOptions(addSourceOptions(command)).action(async (target: string, options: Options) => {
    const experiments = findExperiments();
    const experiment = pick(experiments, target.split('/')[0]!, 'experiment');
    const names = options.methods ?? Object.keys(experiment.methods);
    // All of them first: a misspelt name must not show after an hour.
    const runs = names.flatMap((name) =>
      options.seeds.map((seed) => ({
        name,
        seed,
        label: `${name}, seed ${seed}`,
        cell: name,
        candidates: candidatesOf(
          experiments,
          target,
          { ...options, method: name, seed, set: [] },
          rankSettings,
        ),
      })),
    );
    const outcomes = await runSearch(runs, runOptionsOf(options));
    if (outcomes === undefined) {
      process.stdout.write('stopped; run it again to go on\n');
      return done(STOPPED_BY_SIGNAL);
    }
    const rows = new Map(names.map((name): [string, Row] => [name, { name, records: [], failures: [] }]));
    for (const [i, outcome] of outcomes.entries()) {
      const { name, seed } = runs[i]!;
      if ('record' in outcome) rows.get(name)!.records.push(outcome.record);
      else rows.get(name)!.failures.push(`seed ${seed}: ${outcome.failure}`);
    }
    const lines = table([...rows.values()], options.seeds, options.markdown === true);
    process.stdout.write(`${lines.join('\n')}\n`);
    if (outcomes.some((outcome) => 'failure' in outcome && !outcome.isKnown)) done(1);
  });
}

function table(rows: readonly Row[], seeds: readonly number[], isMarkdown: boolean): string[] {
  const metric = rows.flatMap(({ records }) => records)[0]?.trainInfo.selectionMetric ?? 'score';
  const header = [
    'method',
    'trained',
    ...seeds.map((seed) => `seed ${seed}`),
    `${metric}, mean ± deviation`,
    'seconds a run',
  ];
  const body = rows.map(({ name, records, failures }) => {
    const scores = records.flatMap((record) => testScore(record) ?? []);
    const seconds = records.map(({ runInfo }) => runInfo.totalSeconds);
    const first = records[0];
    return [
      name,
      first ? formatCount(first.trainInfo.parameters.trainableWithoutHead) : '',
      ...seeds.map((seed) => {
        const record = records.find(({ runInfo }) => runInfo.seed === seed);
        return record ? (testScore(record)?.toFixed(1) ?? 'trained') : 'failed';
      }),
      scores.length > 0 ? formatSpread(spreadOf(scores), 1) : (failures[0] ?? 'evaluated by other tasks'),
      seconds.length > 0 ? spreadOf(seconds).mean.toFixed(0) : '',
    ];
  });
  return layOut(header, body, isMarkdown);
}
