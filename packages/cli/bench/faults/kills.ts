/**
 * Kills what a local sweep is made of, with SIGKILL and at random moments: the process that computes, the worker, the
 * pool. When so many have been killed the sweep is let end, the same runs are made once more undisturbed, and both are
 * compared. Exit code 1 where anything differs, is lost or is there twice.
 *
 *   npx tsx packages/cli/bench/faults/kills.ts FOLDER --kills=200 --seed=1 [--clock] [--two]
 *
 * --clock: the system's clock jumps by days, forth and back, before every kill (libfaketime).
 * --two: a second sweep of the same runs and one method more is on the same folders at the same time.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readJob } from '../../src/sweep/state.ts';
import { childrenOf, commandOf, kill, workersOf } from './processes.ts';
import { randomFrom } from './random.ts';
import { judge } from './verdict.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    /** Seconds between two kills, on average. */
    every: { type: 'string', default: '5' },
    steps: { type: 'string', default: '60' },
    methods: { type: 'string', default: 'psoft,lora,head' },
    clock: { type: 'boolean', default: false },
    two: { type: 'boolean', default: false },
  },
});
const [root] = positionals;
if (root === undefined)
  throw new Error('kills.ts FOLDER [--kills=N] [--seed=N] [--every=SECONDS] [--clock] [--two]');
const [wanted, every] = [Number(values.kills), Number(values.every)];
const random = randomFrom(Number(values.seed));
const BIN = fileURLToPath(new URL('../../bin/psoft.mjs', import.meta.url));
const methods = values.methods.split(',');

mkdirSync(root, { recursive: true });
const clockFile = path.join(root, 'clock');
const FAKETIME = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu']
  .map((folder) => path.join(folder, 'faketime/libfaketime.so.1'))
  .find(existsSync);
if (values.clock && FAKETIME === undefined)
  throw new Error('--clock wants libfaketime: apt-get install libfaketime');

function jump(): string {
  const days = Math.round((random() - 0.5) * 2000);
  writeFileSync(clockFile, `${days < 0 ? '' : '+'}${days}d\n`);
  return `${days} days`;
}

/** Arguments of a sweep of one seed; each seed is a sweep of its own. */
function sweepArgs(folder: string, seed: number, those: readonly string[]): string[] {
  return [
    ...['sweep', 'run', 'nlu/table2', '--tasks=rte,mrpc', `--methods=${those.join(',')}`, `--seeds=${seed}`],
    ...[
      `--max-steps=${values.steps}`,
      '--checkpoint-steps=2',
      '--threads=1',
      '--jobs=2',
      '--attempts=1000000',
    ],
    ...[`--results-dir=${path.join(folder, 'results')}`, `--runs-dir=${path.join(folder, 'runs')}`],
  ];
}

/** One call of the command, which may be made again. */
class Sweep {
  child: ChildProcess;
  isOver = false;
  /** Null where a signal ended it. */
  code: number | null = null;

  constructor(
    readonly args: readonly string[],
    private readonly log: string,
    private readonly isFaulty: boolean,
  ) {
    this.child = this.start();
  }

  start(): ChildProcess {
    this.isOver = false;
    const output = openSync(this.log, 'a');
    const clock = {
      LD_PRELOAD: FAKETIME,
      FAKETIME_TIMESTAMP_FILE: clockFile,
      FAKETIME_NO_CACHE: '1',
      DONT_FAKE_MONOTONIC: '1',
    };
    const env = { ...process.env, ...(this.isFaulty && values.clock ? clock : {}) };
    this.child = spawn(process.execPath, [BIN, ...this.args], { stdio: ['ignore', output, output], env });
    closeSync(output);
    this.child.on('exit', (code) => {
      this.isOver = true;
      this.code = code;
    });
    return this.child;
  }

  async ended(): Promise<void> {
    while (!this.isOver) await sleep(200);
    if (this.code !== 0) throw new Error(`${this.args.join(' ')} ended with ${this.code}: ${this.log}`);
  }
}

const faulty = path.join(root, 'faulty');
const counts: Record<string, number> = {};
let killed = 0;
let seeds = 0;
mkdirSync(faulty, { recursive: true });
if (values.clock) jump();
const more = values.two ? [...methods, 'lora-xs'] : methods;

while (killed < wanted) {
  seeds++;
  const log = path.join(root, 'faulty.log');
  const sweeps = [new Sweep(sweepArgs(faulty, seeds, methods), log, true)];
  if (values.two) sweeps.push(new Sweep(sweepArgs(faulty, seeds, more), log, true));
  while (sweeps.some(({ isOver }) => !isOver)) {
    await sleep(2 * random() * every * 1000);
    if (killed < wanted) await fault(sweeps);
    // A pool that was killed is started again, as a user would.
    for (const sweep of sweeps) if (sweep.isOver && sweep.code === null) sweep.start();
  }
  process.stderr.write(`seed ${seeds}: over, ${killed} kills\n`);
  // What another sweep was at when this one looked, or what a killed pool left, is asked for once more.
  await new Sweep(sweepArgs(faulty, seeds, more), log, true).ended();
}

/** Whether a worker's run has made a step, as its job's file says. */
function isTraining(pid: number): boolean {
  const [, folder, id] = /sweep work (\S+) --job=(\d+)/.exec(commandOf(pid)) ?? [];
  if (folder === undefined) return false;
  const { status, worker, step = 0 } = readJob(folder, Number(id));
  return status === 'running' && worker?.pid === pid && step > 0;
}

async function fault(sweeps: readonly Sweep[]): Promise<void> {
  const jumped = values.clock ? jump() : undefined;
  const folders = path.join(faulty, 'runs', 'sweeps');
  const workers = existsSync(folders)
    ? readdirSync(folders).flatMap((name) => workersOf(path.join(folders, name)))
    : [];
  // Most of them while it trains; the others wherever they hit, which is mostly while it starts.
  const training = workers.filter((pid) => isTraining(pid));
  if (training.length === 0 && random() < 0.8) return;
  const hit = training.length > 0 ? training : workers;
  const chance = random();
  const [kind, victims] =
    chance < 0.5
      ? ([
          'computing',
          hit.flatMap((pid) => childrenOf(pid)).filter((pid) => commandOf(pid).includes('child.')),
        ] as const)
      : chance < 0.8
        ? (['worker', hit] as const)
        : (['pool', sweeps.filter(({ isOver }) => !isOver).map(({ child }) => child.pid!)] as const);
  const victim = victims[Math.floor(random() * victims.length)];
  if (victim === undefined || !kill(victim)) return;
  killed++;
  counts[kind] = (counts[kind] ?? 0) + 1;
  process.stdout.write(
    `${JSON.stringify({ killed, kind, victim, ...(jumped === undefined ? {} : { jumped }) })}\n`,
  );
  // The system has its say before the pool is looked at.
  if (kind === 'pool') await sleep(300);
}

const reference = path.join(root, 'reference');
mkdirSync(reference, { recursive: true });
for (let seed = 1; seed <= seeds; seed++)
  await new Sweep(sweepArgs(reference, seed, more), path.join(root, 'reference.log'), false).ended();
const places = (folder: string) => ({
  results: path.join(folder, 'results'),
  runs: path.join(folder, 'runs'),
});
const verdict = await judge(places(faulty), seeds * more.length * 2, places(reference));
process.stdout.write(`${JSON.stringify({ kills: counts, ...verdict }, null, 1)}\n`);
if (verdict.problems.length > 0) process.exitCode = 1;
