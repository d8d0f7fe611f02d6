/**
 * A long run at toy size, for leaks and slowing down: npx tsx packages/training/bench/soak/run.ts --steps=10000 --batches=1000
 * Prints what the process holds after each tenth, and how fast it was.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { soakGeneration } from './generation.ts';
import { ratios, tableOf, type Window } from './measure.ts';
import { soakTraining } from './training.ts';

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '10000' },
    batches: { type: 'string', default: '1000' },
  },
});
const [steps, batches] = [Number(values.steps), Number(values.batches)];
const say = (text: string) => process.stdout.write(`${text}\n`);
const compare = (windows: readonly Window[]) => {
  const { median, cpu } = ratios(windows);
  say(tableOf(windows));
  say(
    `last tenth against first: ${median.toFixed(3)} of the median, ${cpu.toFixed(3)} of the processor time`,
  );
};

if (steps > 0) {
  const folder = await mkdtemp(path.join(tmpdir(), 'psoft-soak-'));
  const every = { evaluateEvery: Math.ceil(steps / 20), checkpointEvery: Math.ceil(steps / 40) };
  const start = performance.now();
  const { windows, ...rest } = await soakTraining({ steps, window: steps / 10, ...every, folder });
  await rm(folder, { recursive: true });
  say(
    `${steps} training steps in ${((performance.now() - start) / 1000).toFixed(0)} s: ${JSON.stringify(rest)}`,
  );
  compare(windows);
}
if (batches > 0) {
  for (const strategy of [{ kind: 'greedy' }, { kind: 'beam', beams: 3 }] as const) {
    const { windows, tokens } = await soakGeneration(batches, batches / 10, strategy);
    say(`\n${batches} batches of generation, ${strategy.kind}, ${tokens} tokens:`);
    compare(windows);
  }
}
