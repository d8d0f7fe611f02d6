/** Options of commands that make many runs and one table of them: `psoft table` and `psoft sweep`. */
import { type Command, Option } from 'commander';
import { nameList, rateList, seedList, wholeNumber } from './numbers.ts';
import {
  addRunOptions,
  addSourceOptions,
  type RunOptionValues,
  type SourceOptionValues,
} from './runOptions.ts';
import { TABLE_FORMATS, type TableFormat } from './textTable.ts';

/** Which runs are meant. */
export interface PlanOptionValues extends RunOptionValues, SourceOptionValues {
  readonly profile: string;
  readonly seeds?: readonly number[];
  readonly maxSteps?: number;
  readonly limit?: number;
  readonly scorer?: string;
}

/** Parts of a table. */
export interface TableOptionValues {
  readonly methods?: readonly string[];
  readonly tasks?: readonly string[];
  readonly learningRates?: readonly number[];
}

/** How what came of them is shown. */
export interface ReportOptionValues {
  readonly format: TableFormat;
  readonly out?: string;
}

export function addPlanOptions(command: Command): Command {
  return addRunOptions(
    addSourceOptions(
      command
        .option('--profile <name>', 'tiny or paper', 'tiny')
        .option('--seeds <list>', 'separated by commas (default: the profile’s)', seedList)
        .option('--max-steps <n>', 'end every run after so many steps, for a trial', wholeNumber)
        .option('--limit <n>', 'evaluate on the first so many problems only, for a trial', wholeNumber)
        .option('--scorer <name>', 'of evaluations: whose verdict is shown (default: the experiment’s)'),
    ),
  );
}

export function addTableOptions(command: Command): Command {
  return command
    .option('--methods <list>', 'some of the table’s methods, separated by commas', nameList)
    .option('--tasks <list>', 'some of the table’s tasks, separated by commas', nameList)
    .option(
      '--learning-rates <list>',
      'tried for every cell; the one that does best on the selection split is reported (default: the experiment’s)',
      rateList,
    );
}

export function addReportOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--format <name>', 'how the table is printed').choices(TABLE_FORMATS).default('text'),
    )
    .option('--out <file>', 'write the table there as well');
}
