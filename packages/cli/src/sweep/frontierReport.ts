/** A sweep's outcomes as a table, and score against trained values as a chart. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { RunRecord } from '@psoft/results';
import { ConfigError } from '@psoft/training/config';
import { printTable } from '../commands/reportTable.ts';
import { runOptionsOf } from '../commands/runOptions.ts';
import type { Outcome } from '../commands/series.ts';
import type { SweepReportValues } from './planned.ts';
import type { PointRun } from './points.ts';
import { frontierPoints, rowsOf, tableOfRows } from './report.ts';
import type { Sweep } from './spec.ts';

interface Ran {
  readonly sweep: Sweep;
  readonly seeds: readonly number[];
  readonly runs: readonly PointRun[];
}

export async function reportSweep(
  { sweep, seeds, runs }: Ran,
  outcomes: readonly Outcome[],
  options: SweepReportValues,
): Promise<void> {
  // Vega takes a moment to load.
  const { describeSkipped, frontier, readRecords, renderSvg, writeAtomically } = await import(
    '@psoft/results'
  );
  const { resultsFolder } = runOptionsOf(options);
  const { records, skipped } = await readRecords(resultsFolder, {
    experiment: sweep.experiment,
    profile: options.profile,
  });
  for (const line of describeSkipped(resultsFolder, skipped)) process.stderr.write(`${line}\n`);
  const byHash = new Map(records.map((record): [string, RunRecord] => [record.runInfo.configHash, record]));
  const rows = rowsOf(runs, outcomes, byHash);
  const first = outcomes.flatMap((one) => ('record' in one ? [one.record] : []))[0];
  const metric = first?.trainInfo.selectionMetric ?? 'score';
  const isLoss = metric === 'loss';
  const scorer = first?.runInfo.evaluationConfig?.scorer;
  const setting = `profile ${options.profile}, seeds ${seeds.join(', ')}${scorer === undefined ? '' : `, ${scorer} scorer`}`;
  await printTable(`${sweep.title}, ${setting}`, tableOfRows(rows, sweep.tasks, isLoss ? 4 : 1), options);
  const points = frontierPoints(rows);
  if (points.length === 0) return;
  const chart = frontier(points, {
    title: sweep.title,
    subtitle: setting,
    costTitle: 'trained values',
    scoreTitle: isLoss ? 'loss on held-out examples' : sweep.tasks.length > 1 ? `mean ${metric}` : metric,
    isSmallerBetter: isLoss,
  });
  const file = path.resolve(
    options.chart ??
      path.join(resultsFolder, 'charts', options.profile, sweep.experiment, `${sweep.name}.svg`),
  );
  if (path.extname(file) !== '.svg')
    throw new ConfigError(`--chart takes a .svg file, got "${options.chart}"`);
  await mkdir(path.dirname(file), { recursive: true });
  await writeAtomically(file, await renderSvg(chart));
  process.stderr.write(`chart: ${path.relative(process.cwd(), file)}\n`);
}
