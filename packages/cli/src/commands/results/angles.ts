import path from 'node:path';
import { supervise } from '@psoft/training/supervise';
import type { Command } from 'commander';
import { ROOT } from '../../workspace.ts';
import { wholeNumber } from '../numbers.ts';
import { sourceEvents } from '../progress.ts';

interface Options {
  readonly rank?: number;
  readonly columns: number;
  readonly modelDir?: string;
  readonly resultsDir: string;
}

/** All pairs of a tiny model's columns; of a large one enough to see how they spread. */
const COLUMNS = 256;

export function addAnglesCommand(results: Command): void {
  results
    .command('angles')
    .description(
      'Measure the angles between the columns of the weights before and after fine-tuning (Figures 9 and 10): of the ' +
        'principal part and of the whole weight. Reads the adapters of finished runs and writes a small file each.',
    )
    .argument('<run...>', 'folders of finished runs below runs/')
    .option('--rank <r>', 'of the principal part, for methods that have none of their own', wholeNumber)
    .option('--columns <n>', 'of each module that are looked at, spread evenly', wholeNumber, COLUMNS)
    .option('--model-dir <folder>', 'the base model, where it has moved since training')
    .option('--results-dir <folder>', 'where the records are', path.join(ROOT, 'results'))
    .action(async (runs: string[], options: Options) => {
      for (const run of runs) await measure(run, options);
    });
}

async function measure(run: string, { rank, columns, modelDir, resultsDir }: Options): Promise<void> {
  const [{ runAt }, { ANGLES_VERSION, writeAngles }, { methodName }] = await Promise.all([
    import('@psoft/training/evaluations'),
    import('@psoft/results/angles'),
    import('@psoft/results'),
  ]);
  const resultsFolder = path.resolve(resultsDir);
  const { folder, record } = await runAt(run, resultsFolder);
  const request = {
    ...{ folder, columns },
    ...(rank === undefined ? {} : { rank }),
    ...(modelDir === undefined ? {} : { modelFolder: path.resolve(modelDir) }),
  };
  const measured = await supervise('angles', request, sourceEvents());
  const { profile, experiment, task, method, variant, seed, configHash } = record.runInfo;
  const { name, fingerprint } = record.metaInfo.modelInfo;
  const file = await writeAngles(resultsFolder, record, {
    schemaVersion: ANGLES_VERSION,
    run: {
      ...{ profile, experiment, task, method, ...(variant === undefined ? {} : { variant }), seed },
      configHash,
    },
    model: { name, fingerprint },
    ...measured,
  });
  const { principal, whole } = measured;
  const largest = (part: typeof whole) => `${Number(part.change.largest.toPrecision(3))}°`;
  process.stdout.write(
    `${methodName(record)}, seed ${seed}: largest change of an angle ${largest(principal)} in the principal part (rank ${measured.rank}), ${largest(whole)} in the whole weight; ${measured.modules} modules\n` +
      `${path.relative(process.cwd(), file)}\n`,
  );
}
