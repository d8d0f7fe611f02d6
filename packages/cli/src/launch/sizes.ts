/** Jobs of like need together: a scheduler is told one time and one memory for many. */
import type { Job } from '../sweep/jobs.ts';
import type { Estimated } from '../sweep/state.ts';

export interface Size {
  /** Whole minutes; absent where nothing is known: the scheduler's default. */
  readonly minutes?: number;
  readonly megabytes?: number;
  /** Their ids. */
  readonly jobs: readonly number[];
}

/** What is asked for is twice the expected time, and a third more than the expected memory. */
const [TIME_FACTOR, MEMORY_FACTOR] = [2, 4 / 3];
const SMALLEST = { minutes: 15, megabytes: 1024 };
/** Of the worker itself, beside the process that computes, whose peak is what records tell. */
export const WORKER_BYTES = 300e6;

/**
 * @param given what the user said, for all
 */
export function sizesOf(
  jobs: readonly (Job & Estimated)[],
  given: { readonly time?: number; readonly memory?: number },
): Size[] {
  const sizes = new Map<string, { minutes?: number; megabytes?: number; jobs: number[] }>();
  for (const { id, seconds, memoryBytes } of jobs) {
    const minutes =
      given.time ??
      (seconds === undefined ? undefined : upTo((TIME_FACTOR * seconds) / 60, SMALLEST.minutes));
    const megabytes =
      given.memory !== undefined
        ? given.memory / 1e6
        : memoryBytes === undefined
          ? undefined
          : upTo((MEMORY_FACTOR * memoryBytes + WORKER_BYTES) / 1e6, SMALLEST.megabytes);
    const key = `${minutes} ${megabytes}`;
    const size = sizes.get(key) ?? {
      ...(minutes === undefined ? {} : { minutes: Math.ceil(minutes) }),
      ...(megabytes === undefined ? {} : { megabytes: Math.ceil(megabytes) }),
      jobs: [],
    };
    size.jobs.push(id);
    sizes.set(key, size);
  }
  return [...sizes.values()];
}

/** The next power of two times the smallest: few sizes, none wasteful by more than twice. */
function upTo(need: number, smallest: number): number {
  return smallest * 2 ** Math.max(0, Math.ceil(Math.log2(need / smallest)));
}
