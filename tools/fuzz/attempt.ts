/** One input, read and judged. */
import { setTimeout as sleep } from 'node:timers/promises';
import { judge, type Outcome, READ } from './judge.ts';
import { BrokenPromise, type Files, type Target } from './target.ts';

/** Memory that reading an input of some kilobytes may take beyond what the process had. */
export const MOST_BYTES = 400 * 2 ** 20;
const USUAL_SECONDS = 10;
/** Of wall time for one of processor time: a promise that nobody keeps takes none, and other work may go first. */
const WALL = 12;

const PROTOTYPES = [
  Object.prototype,
  Array.prototype,
  Function.prototype,
  String.prototype,
  Number.prototype,
];
const countProperties = () => PROTOTYPES.flatMap((one) => Reflect.ownKeys(one)).length;

export const secondsOf = ({ seconds = USUAL_SECONDS }: Target): number => seconds;

/** @param folder holds the files */
export async function attempt(target: Target, folder: string, files: Files): Promise<Outcome> {
  const [properties, before] = [countProperties(), memory()];
  const start = process.cpuUsage();
  const limit = new AbortController();
  const outcome = await Promise.race([
    target.read(folder, files).then(
      () => READ,
      (error: Error) => outcomeOf(error, folder, files, target),
    ),
    sleep(1000 * WALL * secondsOf(target), faulty('hangs', 'never ended'), { signal: limit.signal }),
  ]);
  limit.abort();
  if (outcome.fault !== undefined) return outcome;
  const { user, system } = process.cpuUsage(start);
  const seconds = (user + system) / 1e6;
  if (countProperties() !== properties)
    return faulty('pollutes a prototype', 'changed a prototype of all objects');
  if (seconds > secondsOf(target)) return faulty('takes too long', `took ${seconds.toFixed(1)} s`);
  const more = memory() - before;
  if (more > MOST_BYTES) return faulty('takes too much memory', `took ${Math.round(more / 2 ** 20)} MB`);
  return outcome;
}

function outcomeOf(error: Error, folder: string, files: Files, target: Target): Outcome {
  return error instanceof BrokenPromise
    ? {
        key: `BrokenPromise: ${error.message.replace(/\d+/g, '#').slice(0, 80)}`,
        message: error.message,
        fault: 'breaks a promise',
        stack: String(error.stack),
      }
    : judge(error, folder, files, target);
}

const faulty = (key: string, message: string): Outcome => ({ key, message, fault: key });

/** Resident memory: pages that nobody touched cost nothing. */
const memory = (): number => process.memoryUsage.rss();
