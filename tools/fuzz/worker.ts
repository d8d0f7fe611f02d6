/** The process that reads inputs. What hangs, crashes or takes all memory does so here. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { attempt } from './attempt.ts';
import { corpusOf, filesIn } from './corpus.ts';
import { Coverage } from './coverage.ts';
import { writeInput } from './files.ts';
import { READ } from './judge.ts';
import { Random } from './random.ts';
import type { Files } from './target.ts';
import { TARGETS } from './targets/index.ts';

export interface Order {
  readonly target: string;
  readonly seed: number;
  /** How many inputs came before. */
  readonly from: number;
  readonly count: number;
  /** A folder of the worker's own. */
  readonly folder: string;
}

export type Report =
  | {
      readonly type: 'progress';
      readonly done: number;
      readonly outcomes: Readonly<Record<string, number>>;
      readonly kept: number;
      readonly blocks: number;
    }
  | {
      readonly type: 'fault';
      readonly key: string;
      readonly fault: string;
      readonly message: string;
      readonly stack?: string;
    }
  | { readonly type: 'end' };

/** Inputs that reached something new and are changed further, at most. */
const MOST_KEPT = 1500;
/** Asking V8 takes some milliseconds: once for so many inputs. */
const COVERAGE_EVERY = 25;
const REPORT_MS = 250;

const tell = (report: Report) =>
  new Promise<void>((resolve, reject) =>
    process.send!(report, undefined, undefined, (error) => (error ? reject(error) : resolve())),
  );

async function work({ target: name, seed, from, count, folder }: Order): Promise<void> {
  const target = TARGETS.find((one) => one.name === name)!;
  const random = new Random(name, seed, from);
  const sound: Files[] = await target.seeds();
  const pool: Files[] = [...sound, ...corpusOf(name).map(filesIn)];
  await mkdir(folder, { recursive: true });
  const coverage = new Coverage();
  const known = new Set<string>();
  const told = new Set<string>();
  let outcomes: Record<string, number> = {};
  let [last, untold, recent] = [performance.now(), 0, [] as Files[]];
  const keep = (files: Files) => {
    if (pool.length < MOST_KEPT) pool.push(files);
    else pool[random.int(pool.length)] = files;
  };
  const progress = async (isEnd = false): Promise<void> => {
    if (!isEnd && performance.now() - last < REPORT_MS) return;
    await tell({ type: 'progress', done: untold, outcomes, kept: pool.length, blocks: coverage.blocks });
    [last, untold, outcomes] = [performance.now(), 0, {}];
  };
  // Loads what the readers load: no input's time.
  await writeInput(path.join(folder, 'input'), sound[0]!);
  await target.read(path.join(folder, 'input'), sound[0]!).catch(() => undefined);
  const originals = from === 0 ? [...pool] : [];
  for (let i = 0; i < count; i++) {
    // Most of what is kept ended in an error: what is sound leads further.
    const parent = random.pick(random.chance(0.4) ? sound : pool);
    const files = originals[i] ?? target.mutate(parent, random, random.pick(pool));
    const input = path.join(folder, 'input');
    await writeInput(input, files);
    const outcome = await attempt(target, input, files);
    untold++;
    outcomes[outcome.key] = (outcomes[outcome.key] ?? 0) + 1;
    recent.push(files);
    const isNew = !known.has(outcome.key);
    known.add(outcome.key);
    if (recent.length >= COVERAGE_EVERY || isNew) {
      const found = coverage.take();
      // Which of them it was is not known: the last where it ended in a new way, else any.
      if (isNew) keep(files);
      else if (found > 0) keep(random.pick(recent));
      if (found > 0 && outcome === READ && sound.length < MOST_KEPT) sound.push(files);
      recent = [];
    }
    if (outcome.fault !== undefined && !told.has(outcome.key)) {
      told.add(outcome.key);
      const { key, fault, message, stack } = outcome;
      await progress(true);
      await tell({
        type: 'fault',
        key,
        fault,
        message: message.slice(0, 2000),
        ...(stack === undefined ? {} : { stack }),
      });
      // The files lie there until they are copied.
      await new Promise((resolve) => process.once('message', resolve));
      if (fault === 'hangs') process.exit(3);
    }
    await progress();
  }
  await progress(true);
  await tell({ type: 'end' });
}

process.once('message', (order: Order) => {
  work(order).then(
    () => process.exit(0),
    (error: Error) => {
      process.stderr.write(`${order.target}: ${error.stack}\n`);
      process.exit(4);
    },
  );
});
