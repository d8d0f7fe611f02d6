import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { checkRecord, formatCount, formatSpread, type RunRecord, spreadOf, testScore } from '@psoft/results';
import { type Command, InvalidArgumentError } from 'commander';
import { rankSettings } from '../methodFlags.ts';
import { resolveRun } from '../resolve.ts';
import { findExperiments, pick, ROOT } from '../workspace.ts';
import { wholeNumber } from './numbers.ts';
import { runWithProgress } from './train.ts';

interface Options {
  readonly profile: string;
  readonly seeds: readonly number[];
  readonly methods?: readonly string[];
  readonly maxSteps?: number;
  readonly epochs?: number;
  readonly dataDir?: string;
  readonly modelDir?: string;
  readonly markdown?: boolean;
  readonly resultsDir: string;
  readonly runsDir: string;
}

const STOPPED_BY_SIGNAL = 130;

/** What became of one method: the records of its seeds, and what went wrong. */
interface Row {
  readonly name: string;
  readonly records: RunRecord[];
  readonly failures: string[];
}

export function addCompareCommand(program: Command, done: (code: number) => void): void {
  program
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
    .option('--epochs <n>', 'passes over the training set, for all', wholeNumber)
    .option('--max-steps <n>', 'end every run after so many steps, for a trial', wholeNumber)
    .option('--data-dir <folder>', 'the real data set in its official layout')
    .option('--model-dir <folder>', 'the base model')
    .option('--markdown', 'print the table as markdown')
    .option('--results-dir <folder>', 'where records are and go', path.join(ROOT, 'results'))
    .option('--runs-dir <folder>', 'where adapters, predictions and logs go', path.join(ROOT, 'runs'))
    .action(async (target: string, options: Options) => {
      const experiments = findExperiments();
      const experiment = pick(experiments, target.split('/')[0]!, 'experiment');
      const names = options.methods ?? Object.keys(experiment.methods);
      // All of them first: a misspelt name must not show after an hour.
      const runs = names.flatMap((name) =>
        options.seeds.map((seed) => ({
          name,
          seed,
          config: resolveRun(experiments, target, { ...options, method: name, seed, set: [] }, rankSettings),
        })),
      );
      const rows = new Map(names.map((name): [string, Row] => [name, { name, records: [], failures: [] }]));
      for (const [at, { name, seed, config }] of runs.entries()) {
        process.stderr.write(`[${at + 1}/${runs.length}] ${name}, seed ${seed}\n`);
        const row = rows.get(name)!;
        try {
          const summary = await runWithProgress({
            config,
            options: {
              executor: 'cpu',
              resultsFolder: path.resolve(options.resultsDir),
              runsFolder: path.resolve(options.runsDir),
              skipExisting: true,
            },
          });
          if (summary.status === 'cancelled') {
            process.stdout.write(`stopped; run it again to go on\n`);
            return done(STOPPED_BY_SIGNAL);
          }
          if (summary.status === 'skipped') process.stderr.write('recorded already\n');
          row.records.push(await readRecord(summary.recordFile));
        } catch (error) {
          process.stderr.write(`${name}, seed ${seed}: ${(error as Error).message}\n`);
          row.failures.push(`seed ${seed}: ${(error as Error).message}`);
        }
      }
      const lines = table([...rows.values()], options.seeds, options.markdown === true);
      process.stdout.write(`${lines.join('\n')}\n`);
      if ([...rows.values()].some(({ failures }) => failures.length > 0)) done(1);
    });
}

async function readRecord(file: string): Promise<RunRecord> {
  const record = JSON.parse(await readFile(file, 'utf8')) as RunRecord;
  checkRecord(record);
  return record;
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
    const scores = records.map((record) => testScore(record)!);
    const seconds = records.map(({ runInfo }) => runInfo.totalSeconds);
    const first = records[0];
    return [
      name,
      first ? formatCount(first.trainInfo.parameters.trainableWithoutHead) : '',
      ...seeds.map((seed) => {
        const record = records.find(({ runInfo }) => runInfo.seed === seed);
        return record ? testScore(record)!.toFixed(1) : 'failed';
      }),
      scores.length > 0 ? formatSpread(spreadOf(scores), 1) : failures[0]!,
      seconds.length > 0 ? spreadOf(seconds).mean.toFixed(0) : '',
    ];
  });
  if (isMarkdown) {
    const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
    return [line(header), line(header.map(() => '---')), ...body.map(line)];
  }
  const widths = header.map((_, i) => Math.max(...[header, ...body].map((row) => row[i]!.length)));
  return [header, ...body].map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  ')
      .trimEnd(),
  );
}

function seedList(text: string): number[] {
  return text.split(',').map(wholeNumber);
}

function nameList(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.some((name) => name === '')) throw new InvalidArgumentError('Names must not be empty.');
  return names;
}
