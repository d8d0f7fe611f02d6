/**
 * `nx run bench:growth`: how a step's time and memory grow with rank, batch, sequence, depth and width, of PSOFT and LoRA
 * unless others are asked for. Each point in a process of its own; fits and a chart are made of all that is recorded.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeAtomically } from '@psoft/results';
import { BENCH_FOLDER, type BenchRecord, growthSeries, growthTable, readBenches } from '@psoft/results/bench';
import { describeSystem } from '@psoft/results/report/figures';
import type { Profile } from './points.ts';
import { growthPoints } from './points.ts';
import { runBench } from './run.ts';

const METHODS = ['psoft', 'lora'];

/** Of the machine that measured last. */
async function report(resultsDir: string, profile: Profile): Promise<void> {
  // Vega is not needed where points are only printed.
  const { growthChart, renderSvg } = await import('@psoft/results');
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
  const folder = path.join(resultsDir, BENCH_FOLDER, 'charts');
  await mkdir(folder, { recursive: true });
  const chart = growthChart(series, `profile ${profile}, ${machine(newest)}; lines are fits`);
  const file = path.join(folder, `growth-${profile}`);
  await writeAtomically(`${file}.vl.json`, `${JSON.stringify(chart, null, 2)}\n`);
  await writeAtomically(`${file}.svg`, await renderSvg(chart));
  await writeAtomically(`${file}.md`, `${table.join('\n')}\n`);
  process.stdout.write(`${path.relative(process.cwd(), file)}.{svg,vl.json,md}\n`);
}

process.exitCode = await runBench(
  fileURLToPath(import.meta.url),
  'growth',
  (wish, methods, isAsked) => growthPoints(wish, isAsked ? methods : METHODS),
  report,
);
