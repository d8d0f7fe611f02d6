/**
 * Injects faults into a sweep that runs under Slurm: kills the computing process, the worker, or the script around it,
 * and asks Slurm to queue jobs again. Prints a line of JSON a fault, and a count at the end.
 *
 *   psoft sweep run TARGET ... --launcher=slurm --attempts=1000
 *   npx tsx packages/cli/bench/faults/slurm.ts FOLDER-OF-THE-SWEEP --seed=1 --every=20
 *
 * It ends when Slurm has none of the sweep's jobs any more, having submitted again what was lost (the command is given
 * after --, as it was run).
 */
import { execFileSync, spawnSync } from 'node:child_process';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { childrenOf, commandOf, kill, parentOf, workersOf } from './processes.ts';
import { randomFrom } from './random.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '1' },
    /** Seconds between two faults, on average. */
    every: { type: 'string', default: '20' },
    /** No more than so many. */
    most: { type: 'string', default: '1000' },
  },
});
const [folder, ...again] = positionals;
if (folder === undefined)
  throw new Error('slurm.ts FOLDER [--seed=N] [--every=SECONDS] [--most=N] [-- COMMAND]');
const random = randomFrom(Number(values.seed));
const name = `psoft-${path.basename(folder)}`;
const counts = new Map<string, number>();

const live = () =>
  execFileSync('squeue', ['-h', '-r', '-o', '%i %T', '-n', name], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .filter(Boolean);

for (let injected = 0; ; ) {
  const jobs = live();
  if (jobs.length === 0) {
    // What was lost with its script is for the sweep to find: a command that is run again says what is open.
    if (again.length === 0) break;
    const { stderr } = spawnSync(again[0]!, again.slice(1), { encoding: 'utf8' });
    process.stderr.write(stderr);
    if (!stderr.includes('submitted')) break;
    continue;
  }
  await sleep(2 * random() * Number(values.every) * 1000);
  const workers = workersOf(folder);
  if (workers.length === 0 || injected >= Number(values.most)) {
    await sleep(1000);
    continue;
  }
  const worker = workers[Math.floor(random() * workers.length)]!;
  const chance = random();
  const fault = chance < 0.4 ? 'computing' : chance < 0.7 ? 'worker' : chance < 0.85 ? 'script' : 'requeue';
  const hit = inject(fault, worker);
  if (!hit) continue;
  injected++;
  counts.set(fault, (counts.get(fault) ?? 0) + 1);
  process.stdout.write(
    `${JSON.stringify({ at: new Date().toISOString(), fault, worker, live: jobs.length })}\n`,
  );
}
process.stdout.write(`${JSON.stringify(Object.fromEntries(counts))}\n`);

function inject(fault: string, worker: number): boolean {
  if (fault === 'worker') return kill(worker);
  if (fault === 'computing') {
    const child = childrenOf(worker).find((pid) => commandOf(pid).includes('child.'));
    return child !== undefined && kill(child);
  }
  if (fault === 'script') {
    const script = parentOf(worker);
    return script !== undefined && commandOf(script).includes('slurm_script') && kill(script);
  }
  const id = /--scheduler-id=(\S+)/.exec(commandOf(worker))?.[1];
  return id !== undefined && spawnSync('scontrol', ['requeue', id]).status === 0;
}
