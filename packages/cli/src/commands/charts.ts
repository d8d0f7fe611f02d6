import path from 'node:path';
import { ConfigError } from '@psoft/training/config';
import type { Command } from 'commander';
import { ROOT } from '../workspace.ts';

export function addChartsCommand(program: Command): void {
  program
    .command('charts')
    .description('Draw learning curves and the comparison of methods of every recorded task as SVG.')
    .option('--results-dir <folder>', 'where the records are', path.join(ROOT, 'results'))
    .option('--out <folder>', 'where the drawings go (default: charts/ below the records)')
    .action(async ({ resultsDir, out }: { resultsDir: string; out?: string }) => {
      // Vega takes a moment to load, which no other command should wait for.
      const { describeSkipped, readRecords, renderCharts } = await import('@psoft/results');
      const folder = path.resolve(resultsDir);
      const { records, skipped } = await readRecords(folder);
      for (const line of describeSkipped(folder, skipped)) process.stderr.write(`${line}\n`);
      if (records.length === 0)
        throw new ConfigError(`no records in ${folder}: run something first, for example nx run nlu:cola`);
      const target = out === undefined ? path.join(folder, 'charts') : path.resolve(out);
      const { written, empty } = await renderCharts(records, target);
      for (const file of written) process.stdout.write(`${path.relative(process.cwd(), file)}\n`);
      for (const task of empty) process.stderr.write(`${task}: no completed run to draw\n`);
    });
}
