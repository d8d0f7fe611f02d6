/**
 * Dropout whose masks are decided by (seed, step) alone, the same on every executor. tfjs's own is not usable: its
 * random numbers would become constants of a trace.
 *
 * A fixed pool of POOL_ROWS x ROW Bernoulli draws is part of the program. A step brings two numbers in
 * [1, POOL_ROWS), and the mask of the k-th call takes the pool's rows (a·c_k·i + b + d_k) mod POOL_ROWS,
 * i = 0, 1, ...: an affine walk through a prime number of rows, so a mask of up to POOL_ROWS·ROW elements
 * repeats no draw. Everything is exact integer arithmetic, gather and one product.
 */
import { RandomStream } from '../random.ts';
import { type Tensor, tf } from '../tf.ts';
import { runComposite } from './composite.ts';

/** A prime, so that every multiplier walks through all rows; (POOL_ROWS - 1)² + 2 POOL_ROWS fits 24 bits. */
export const POOL_ROWS = 4093;
const ROW = 1024;
/** Seed of the pools and of the per-call constants. Part of the protocol: changing it changes every run. */
const POOL_SEED = 20505_11235;

const pools = new Map<number, Float32Array>();

/** [POOL_ROWS · ROW]: 0 with probability `rate`, else 1 / (1 - rate). */
function pool(rate: number): Float32Array {
  let values = pools.get(rate);
  if (values === undefined) {
    const stream = RandomStream.from(POOL_SEED, 'dropout pool');
    const kept = 1 / (1 - rate);
    values = new Float32Array(POOL_ROWS * ROW);
    for (let i = 0; i < values.length; i++) values[i] = stream.uniform() < rate ? 0 : kept;
    pools.set(rate, values);
  }
  return values;
}

/** Shape of the program input that {@link createDropout} takes and {@link dropoutStep} fills. */
export const DROPOUT_STEP = { shape: [2], dtype: 'int32' } as const;

/**
 * The numbers that decide every mask of one step.
 * @param part of a step that is computed in several: each has masks of its own
 */
export function dropoutStep(seed: number, step: number, part = 0): Int32Array {
  const place = part === 0 ? String(step) : `${step}.${part}`;
  const stream = RandomStream.from(seed, 'dropout', place);
  return Int32Array.of(1 + stream.integer(POOL_ROWS - 1), 1 + stream.integer(POOL_ROWS - 1));
}

/**
 * The dropout function of one step, to be made anew inside each program function.
 * @param step int32 [2] from {@link dropoutStep}
 * @returns inverted dropout; the n-th call of a program draws from the n-th mask of the step
 */
export function createDropout(step: Tensor): (x: Tensor, rate: number) => Tensor {
  const calls = RandomStream.from(POOL_SEED, 'dropout calls');
  const tables = new Map<number, Tensor>();
  return (x, rate) => {
    if (!(rate >= 0 && rate < 1)) throw new Error(`dropout rate must be at least 0 and below 1, got ${rate}`);
    const [factor, shift] = [1 + calls.integer(POOL_ROWS - 1), calls.integer(POOL_ROWS)];
    if (rate === 0) return x;
    let table = tables.get(rate);
    if (table === undefined) {
      table = tf.tensor(pool(rate), [POOL_ROWS, ROW], 'float32');
      tables.set(rate, table);
    }
    const rows = Math.ceil(x.size / ROW);
    const masks = [{ factor, shift, rows }];
    const row = runComposite('DropoutRows', { step }, { poolRows: POOL_ROWS, masks })[0]!;
    const flat = tf.reshape(tf.gather(table, row as never), [rows * ROW]);
    const mask = rows * ROW === x.size ? flat : tf.slice(flat, [0], [x.size]);
    return tf.mul(x, tf.reshape(mask, x.shape));
  };
}
