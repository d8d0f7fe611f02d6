/** Options that the commands on records share, and the records that they choose. */
import path from 'node:path';
import type { Entry, Ledger } from '@psoft/results/runs';
import { ConfigError } from '@psoft/training/config';
import type { Command } from 'commander';
import { ROOT } from '../../workspace.ts';

export interface PlaceOptions {
  readonly resultsDir: string;
  readonly runsDir: string;
}

export interface SourceOptions extends PlaceOptions {
  readonly unfinished: boolean;
  readonly imported?: boolean;
}

export interface SelectOptions extends SourceOptions {
  readonly where: readonly string[];
  readonly sort?: readonly string[];
}

export function addPlaceOptions(command: Command): Command {
  return command
    .option('--results-dir <folder>', 'where records are', path.join(ROOT, 'results'))
    .option('--runs-dir <folder>', 'where runs leave their files', path.join(ROOT, 'runs'));
}

export function addSourceOptions(command: Command): Command {
  return addPlaceOptions(command)
    .option('--imported', 'imported results instead of runs: the two never stand in one table')
    .option('--no-unfinished', 'without the runs below --runs-dir that failed or were stopped');
}

export function addSelectOptions(command: Command): Command {
  return addSourceOptions(command)
    .option(
      '--where <condition>',
      'FIELD and VALUE with = != > >= < <= or ~ (a regular expression) between them; several hold together',
      (condition: string, before: readonly string[]) => [...before, condition],
      [],
    )
    .option('--sort <fields>', 'separated by commas; "-" before one sorts from the largest', fieldList);
}

export function fieldList(text: string): string[] {
  const fields = text.split(',').map((field) => field.trim());
  if (fields.some((field) => field === '' || field === '-'))
    throw new ConfigError(`"${text}": a field between commas is empty`);
  return fields;
}

/**
 * Every record, what could not be read on standard error.
 * @throws ConfigError where there is none at all
 */
export async function openLedger(options: SourceOptions): Promise<Ledger> {
  const { readImports, readRuns } = await import('@psoft/results/runs');
  const [results, runs] = [options.resultsDir, options.runsDir].map(fromHere) as [string, string];
  const ledger = options.imported
    ? await readImports(results)
    : await readRuns(results, options.unfinished ? runs : undefined);
  for (const line of ledger.unread) process.stderr.write(`${line}\n`);
  if (ledger.entries.length === 0)
    throw new ConfigError(
      options.imported
        ? `no imported results in ${results}: psoft runs import brings them`
        : `no records in ${results}: run something first, for example nx run nlu:cola`,
    );
  return ledger;
}

/** The records that were asked for, in the order asked for. */
export async function select(ledger: Ledger, { where, sort = [] }: SelectOptions): Promise<Entry[]> {
  const { filterEntries, parseCondition, sortEntries } = await import('@psoft/results/runs');
  const conditions = where.map((text) => parseCondition(text, ledger));
  return sortEntries(filterEntries(ledger.entries, conditions), sort, ledger);
}

/** A path as it reads best from the current folder. */
export function fromHere(file: string): string {
  const relative = path.relative(process.cwd(), path.resolve(file));
  return relative === '' ? '.' : relative.startsWith('..') ? path.resolve(file) : relative;
}
