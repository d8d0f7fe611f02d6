import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Entry, Ledger, Tabular } from '@psoft/results/runs';
import { ConfigError } from '@psoft/training/config';
import { type Command, Option } from 'commander';
import { addSelectOptions, fieldList, fromHere, openLedger, type SelectOptions, select } from './options.ts';

type Format = 'csv' | 'parquet' | 'json';

interface Options extends SelectOptions {
  readonly format?: Format;
  readonly out: string;
  readonly columns?: readonly string[];
  readonly curves?: boolean;
}

const FORMATS: readonly Format[] = ['csv', 'parquet', 'json'];

export function addExportCommand(runs: Command): void {
  addSelectOptions(runs.command('export'))
    .description(
      'Write records to one file: a table with a column for every field, or whole records as JSON.',
    )
    .requiredOption('--out <file>', 'replaced where it exists')
    .addOption(new Option('--format <name>', '(default: by the ending of the file)').choices(FORMATS))
    .option('--columns <fields>', 'of tables, separated by commas (default: all but curves)', fieldList)
    .option(
      '--curves',
      'of tables, a row for every epoch, or point of an imported curve, instead of every run',
    )
    .action(async (options: Options) => {
      const { out, columns, curves } = options;
      const format = options.format ?? formatOf(out);
      if (format === 'json' && (columns !== undefined || curves))
        throw new ConfigError(
          'JSON holds whole records: leave --columns and --curves, or choose csv or parquet',
        );
      if (columns !== undefined && curves)
        throw new ConfigError('--curves has columns of its own: leave --columns');
      const ledger = await openLedger(options);
      const entries = await select(ledger, options);
      if (entries.length === 0) throw new ConfigError('no record meets the conditions: nothing was written');
      const bytes = await encode(format, ledger, entries, options);
      await mkdir(path.dirname(path.resolve(out)), { recursive: true });
      await writeFile(out, bytes);
      process.stdout.write(`${entries.length} records in ${fromHere(out)}\n`);
    });
}

function formatOf(out: string): Format {
  const ending = path.extname(out).slice(1).toLowerCase();
  const found = FORMATS.find((format) => format === ending);
  if (found === undefined)
    throw new ConfigError(`${out} does not end in ${FORMATS.join(', ')}: give --format`);
  return found;
}

async function encode(
  format: Format,
  ledger: Ledger,
  entries: readonly Entry[],
  { columns, curves }: Options,
): Promise<string | Uint8Array> {
  const results = await import('@psoft/results/runs');
  if (format === 'json') return results.toJson(entries);
  const table: Tabular =
    columns === undefined
      ? (curves ? results.curveTable : results.runTable)(entries)
      : { columns, rows: results.rowsOf(entries, results.findFields(columns, ledger)) };
  return format === 'csv' ? results.toCsv(table) : results.toParquet(table);
}
