import path from 'node:path';
import type { ImportFormat, Restored, Statements } from '@psoft/results/runs';
import { ConfigError } from '@psoft/training/config';
import { type Command, Option } from 'commander';
import { ROOT } from '../../workspace.ts';
import { wholeNumber } from '../numbers.ts';
import { fromHere } from './options.ts';

interface Options extends Statements {
  readonly resultsDir: string;
  readonly format?: ImportFormat;
  readonly restore?: boolean;
  readonly replace?: boolean;
}

/** Written out, so that the command does not load the readers only to parse its options. */
const FORMATS: readonly ImportFormat[] = ['psoft', 'peft', 'tensorboard', 'wandb-runs', 'wandb-history'];

export function addImportCommand(runs: Command): void {
  runs
    .command('import')
    .description(
      "Bring in results of other programs: exports of psoft runs, PEFT's method_comparison, TensorBoard's event files, CSV files of Weights & Biases. They are kept below imported/, apart from runs, in the units of their source.",
    )
    .argument('<file...>', 'the format follows from what a file begins with')
    .addOption(new Option('--format <name>', 'take the files for this format').choices(FORMATS))
    .option('--experiment <name>', 'where the files do not say it: what the results belong to')
    .option('--task <name>', 'likewise')
    .option('--method <name>', 'likewise')
    .option('--seed <n>', 'likewise', wholeNumber)
    .option('--restore', 'of exports of psoft: put the runs where their records belong, as they were')
    .option('--replace', 'with --restore: also where a record of the same run is and differs')
    .option('--results-dir <folder>', 'where records are', path.join(ROOT, 'results'))
    .action(async (files: readonly string[], options: Options) => {
      if (options.replace && !options.restore) throw new ConfigError('--replace goes with --restore');
      const root = path.resolve(options.resultsDir);
      if (options.restore) return restore(files, root, options.replace === true);
      const { openSource, readResults, writeImported } = await import('@psoft/results/runs');
      const { format, experiment, task, method, seed } = options;
      const statements = given({ experiment, task, method, seed });
      // All are read before any is written: a file that is none must not leave half an import.
      const found = [];
      for (const file of files) {
        const records = readResults(await openSource(file), format, statements);
        found.push({ file, records });
      }
      for (const { file, records } of found) {
        let added = 0;
        for (const record of records) {
          const { file: written, isNew } = await writeImported(root, record);
          if (isNew) {
            added++;
            process.stdout.write(`${fromHere(path.join(root, written))}\n`);
          }
          for (const line of record.importedFrom.leftOut ?? [])
            process.stderr.write(`${record.runInfo.name}: left out: ${line}\n`);
        }
        const known = records.length - added;
        process.stderr.write(
          `${file}: ${records.length} result${records.length === 1 ? '' : 's'}${known > 0 ? `, ${known} of them imported already` : ''}\n`,
        );
      }
    });
}

async function restore(files: readonly string[], root: string, replaces: boolean): Promise<void> {
  const { openSource, readExportedRuns, restoreRuns } = await import('@psoft/results/runs');
  const exports = [];
  for (const file of files) exports.push({ file, runs: readExportedRuns(await openSource(file)) });
  for (const { file, runs } of exports) {
    const outcomes = await restoreRuns(root, runs, replaces);
    for (const { file: record, outcome } of outcomes) {
      const place = fromHere(path.join(root, record));
      if (outcome === 'restored') process.stdout.write(`${place}\n`);
      else if (outcome !== 'there already') process.stderr.write(`${place}: ${EXPLAINED[outcome]}\n`);
    }
    const count = (outcome: Restored['outcome']) => outcomes.filter((one) => one.outcome === outcome).length;
    process.stderr.write(
      `${file}: ${count('restored')} of ${runs.length} runs restored, ${count('there already')} were there\n`,
    );
  }
}

const EXPLAINED: Readonly<Record<'kept another' | 'did not end', string>> = {
  'kept another': 'is another record of the same run and stays; --replace replaces it',
  'did not end': 'not restored: the run failed or was stopped, which is no result',
};

function given(statements: { [K in keyof Statements]: Statements[K] | undefined }): Statements {
  return Object.fromEntries(Object.entries(statements).filter(([, value]) => value !== undefined));
}
