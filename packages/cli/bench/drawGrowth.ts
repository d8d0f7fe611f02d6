/** The fits of recorded points, as a table and a chart. */
import path from 'node:path';
import { growthChart, renderSvg, writeAtomically } from '@psoft/results';
import { BENCH_FOLDER, type BenchRecord, growthSeries, growthTable, readBenches } from '@psoft/results/bench';
import { describeSystem } from '@psoft/results/report/figures';
import type { Profile } from './points.ts';

/** Of the machine that measured last. */
export async function drawGrowth(resultsDir: string, profile: Profile): Promise<void> {
  const { records } = await readBenches(resultsDir);
  const machine = ({ metaInfo }: BenchRecord) => describeSystem(metaInfo.systemInfo);
  const own = records.filter(({ point }) => point.profile === profile);
  const [newest] = [...own].sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
  if (newest === undefined) return;
  const series = growthSeries(
    own.filter((record) => machine(record) === machine(newest)),
    profile,
  );
  if (series.length === 0) return;
  const table = growthTable(series);
  process.stdout.write(`\n${table.join('\n')}\n`);
  const chart = growthChart(series, `profile ${profile}, ${machine(newest)}; lines are fits`);
  const file = path.join(resultsDir, BENCH_FOLDER, 'charts', `growth-${profile}`);
  await writeAtomically(`${file}.vl.json`, `${JSON.stringify(chart, null, 2)}\n`);
  await writeAtomically(`${file}.svg`, await renderSvg(chart));
  await writeAtomically(`${file}.md`, `${table.join('\n')}\n`);
  process.stdout.write(`${path.relative(process.cwd(), file)}.{svg,vl.json,md}\n`);
}
