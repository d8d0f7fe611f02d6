import { type Command, Option } from 'commander';
import { wholeNumber } from '../numbers.ts';
import { addSelectOptions, fieldList, openLedger, type SelectOptions, select } from './options.ts';

interface Options extends SelectOptions {
  readonly columns?: readonly string[];
  readonly limit?: number;
  readonly format: 'text' | 'markdown' | 'csv' | 'json';
}

export function addListCommand(runs: Command): void {
  addSelectOptions(runs.command('list'))
    .description(
      'List runs. Fields are dotted paths of records, or their ends: trainInfo.test.accuracy, seed, r.',
    )
    .option('--columns <fields>', 'separated by commas', fieldList)
    .option('--limit <n>', 'only the first so many', wholeNumber)
    .addOption(
      new Option('--format <name>', 'text and markdown shorten numbers and hashes, csv and json do not')
        .choices(['text', 'markdown', 'csv', 'json'])
        .default('text'),
    )
    .addHelpText(
      'after',
      `
Examples:
  psoft runs list --where task=cola --where method=psoft,lora --where seed=1,2 --sort=-score
  psoft runs list --where 'trainInfo.test.accuracy>80' --columns method,seed,accuracy,learningRate
  psoft runs list --where variant= --where 'createdAt>=2026-11-01' --where 'modelInfo.name~^deberta'`,
    )
    .action(async (options: Options) => {
      const results = await import('@psoft/results/runs');
      const ledger = await openLedger(options);
      const { format } = options;
      const names = options.columns ?? (options.imported ? results.IMPORTED_COLUMNS : results.RUN_COLUMNS);
      const fields = results.findFields(names, ledger);
      const found = await select(ledger, options);
      const rows = results.rowsOf(found.slice(0, options.limit), fields);
      if (format === 'json') process.stdout.write(`${JSON.stringify(rows, undefined, 2)}\n`);
      else if (format === 'csv') process.stdout.write(results.toCsv({ columns: names, rows }));
      else if (rows.length > 0)
        process.stdout.write(`${results.formatRows(rows, names, format).join('\n')}\n`);
      const [shown, all] = [rows.length, ledger.entries.length];
      if (shown < all)
        process.stderr.write(
          `${found.length} of ${all} records${shown < found.length ? `, ${shown} of them shown` : ''}\n`,
        );
    });
}
