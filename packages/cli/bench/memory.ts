/**
 * `nx run bench:memory`: Tables 21 and 22, the peak memory of a training step over sequence lengths and batch sizes, of every
 * method. Each point in a process of its own.
 */
import { fileURLToPath } from 'node:url';
import { memoryPoints } from './points.ts';
import { runBench } from './run.ts';

process.exitCode = await runBench(fileURLToPath(import.meta.url), 'memory', memoryPoints);
