import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { writeAtomically } from '@psoft/results';
import { ConfigError } from '@psoft/training/config';
import { type Command, Option } from 'commander';
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
import { tableOf } from './tableOf.ts';
import { formatTable, TABLE_FORMATS, type TableFormat } from './textTable.ts';

interface Options extends RunOptionValues, SourceOptionValues {
  readonly profile: string;
  readonly seeds?: readonly number[];
  readonly methods?: readonly string[];
  readonly tasks?: readonly string[];
  readonly learningRates?: readonly number[];
  readonly maxSteps?: number;
  readonly limit?: number;
  readonly scorer?: string;
  readonly format: TableFormat;
  readonly out?: string;
}

export function addTableCommand(program: Command, done: (code: number) => void): void {
  const command = program
    .command('table')
    .description(
      'Make a table of the paper: train every method on every task over several seeds, then print it. Runs that are ' +
        'recorded already are not done again, so that it can be interrupted, killed and continued.',
    )
    .argument('<table>', 'EXPERIMENT/TABLE, for example nlu/table2')
    .option('--profile <name>', 'tiny or paper', 'tiny')
    .option('--seeds <list>', 'separated by commas (default: the profile’s)', seedList)
    .option('--methods <list>', 'some of the table’s methods, separated by commas', nameList)
    .option('--tasks <list>', 'some of the table’s tasks, separated by commas', nameList)
    .option(
      '--learning-rates <list>',
      'tried for every cell; the one that does best on the selection split is reported (default: the experiment’s)',
      rateList,
    )
    .option('--max-steps <n>', 'end every run after so many steps, for a trial', wholeNumber)
    .option(
      '--scorer <name>',
      'of evaluations: whose verdict is shown, in every cell (default: the experiment’s)',
    )
    .option('--limit <n>', 'evaluate on the first so many problems only, for a trial', wholeNumber)
    .addOption(
      new Option('--format <name>', 'how the table is printed').choices(TABLE_FORMATS).default('text'),
    )
    .option('--out <file>', 'write the table there as well');
  addRunOptions(addSourceOptions(command)).action(async (target: string, options: Options) => {
    const experiments = findExperiments();
    const [experimentName, tableName] = target.split('/') as [string, string?];
    const experiment = pick(experiments, experimentName, 'experiment');
    if (tableName === undefined)
      throw new ConfigError(`"${target}" is no table: write EXPERIMENT/TABLE, for example nlu/table2`);
    const table = pick(experiment.tables ?? {}, tableName, `table of ${experimentName}`);
    pick(experiment.profiles, options.profile, `profile of ${experimentName}`);
    const chosen = {
      tasks: options.tasks ?? table.tasks,
      methods: options.methods ?? table.methods,
      seeds: options.seeds ?? pick(table.seeds, options.profile, `profile of ${target}`),
    };
    const cells = chosen.tasks.flatMap((task) => chosen.methods.map((method) => ({ task, method })));
    // Seed by seed: what is there after an hour is a whole table of fewer seeds. All are resolved before the first is
    // run: a misspelt name must not show after an hour.
    const runs = chosen.seeds.flatMap((seed) =>
      cells.map(({ task, method }) => ({
        task,
        method,
        label: `${task}, ${method}, seed ${seed}`,
        cell: `${task}, ${method}`,
        candidates: candidatesOf(
          experiments,
          `${experimentName}/${task}`,
          { ...options, method, seed, set: [] },
          rankSettings,
        ),
      })),
    );
    const outcomes = await runSearch(runs, runOptionsOf(options));
    if (outcomes === undefined) {
      process.stdout.write('stopped; run it again to go on\n');
      return done(STOPPED_BY_SIGNAL);
    }
    const outcomesOf = (method: string, task: string) =>
      outcomes.filter((_, i) => runs[i]!.method === method && runs[i]!.task === task);
    const { header, body } = tableOf(experiment, options.profile, chosen, outcomesOf);
    const text = formatTable(header, body, options.format);
    const title = `${table.title}, profile ${options.profile}, seeds ${chosen.seeds.join(', ')}`;
    process.stdout.write(`${[...(options.format === 'csv' ? [] : [title, '']), ...text].join('\n')}\n`);
    if (options.out !== undefined) {
      await mkdir(path.dirname(path.resolve(options.out)), { recursive: true });
      await writeAtomically(path.resolve(options.out), `${text.join('\n')}\n`);
    }
    if (outcomes.some((outcome) => 'failure' in outcome && !outcome.isKnown)) done(1);
  });
}
