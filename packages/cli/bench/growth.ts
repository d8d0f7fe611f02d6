/**
 * `nx run bench:growth`: how a step's time and memory grow with rank, batch, sequence, depth and width, of PSOFT and LoRA
 * unless others are asked for. Each point in a process of its own; fits and a chart are made of all that is recorded.
 */
import { fileURLToPath } from 'node:url';
import { growthPoints, type Profile } from './points.ts';
import { runBench } from './run.ts';

const METHODS = ['psoft', 'lora'];

async function report(resultsDir: string, profile: Profile): Promise<void> {
  // A bundle measures only: what draws stays in the workspace.
  if (process.env.PSOFT_BENCH_BUILD !== undefined) return;
  const { drawGrowth } = await import('./drawGrowth.ts');
  await drawGrowth(resultsDir, profile);
}

process.exitCode = await runBench(
  fileURLToPath(import.meta.url),
  'growth',
  (wish, methods, isAsked) => growthPoints(wish, isAsked ? methods : METHODS),
  report,
);
