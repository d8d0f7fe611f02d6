/**
 * `nx run bench:speed`: Tables 19 and 20 (one linear layer, one block), and a training step - forward, backward, clipping and
 * AdamW, dropout on, data ready - of every method on the paper's three models, with random weights, on any device. Each
 * point in a process of its own; what cannot run is recorded with its reason.
 */
import { fileURLToPath } from 'node:url';
import { speedPoints } from './points.ts';
import { runBench } from './run.ts';

process.exitCode = await runBench(fileURLToPath(import.meta.url), 'speed', speedPoints);
