import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import {
  compile,
  createDropout,
  DROPOUT_STEP,
  dropoutStep,
  estimateMemory,
  isExecutorInstalled,
  loop,
  type ProgramFunction,
  type Tensor,
  tf,
  traceOptimised,
} from '@psoft/engine';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from './weightFiles.ts';

const SHAPE = [48, 512];
const SIZE = SHAPE[0]! * SHAPE[1]!;

const masks: ProgramFunction = ({ x, step }) => {
  const dropout = createDropout(step!);
  return { first: dropout(x!, 0.1), second: dropout(x!, 0.1), strong: dropout(x!, 0.5) };
};
const signature = { inputs: { x: { shape: SHAPE, dtype: 'float32' as const }, step: DROPOUT_STEP } };
const ones = new Float32Array(SIZE).fill(1);

describe('dropout', async () => {
  const compiled = await compile(masks, signature);
  const at = async (seed: number, step: number) => {
    const result = await compiled.run({ x: ones, step: dropoutStep(seed, step) });
    return result as Record<'first' | 'second' | 'strong', { data: Float32Array }>;
  };

  test('drops about the stated share and scales the rest', async () => {
    const { first, strong } = await at(1, 0);
    for (const [values, rate] of [
      [first.data, 0.1],
      [strong.data, 0.5],
    ] as const) {
      const dropped = values.filter((value) => value === 0).length / SIZE;
      // Six standard deviations of a binomial share.
      expect(Math.abs(dropped - rate)).toBeLessThan(6 * Math.sqrt((rate * (1 - rate)) / SIZE));
      expect(new Set(values)).toEqual(new Set([0, Math.fround(1 / (1 - rate))]));
    }
  });

  test('two calls, two steps and two seeds have different masks, which agree as often as chance has it', async () => {
    const base = (await at(1, 0)).first.data;
    const others = [(await at(1, 0)).second.data, (await at(1, 1)).first.data, (await at(2, 0)).first.data];
    const chance = 0.9 * 0.9 + 0.1 * 0.1;
    for (const other of others) {
      const agree = base.filter((value, i) => value === other[i]).length / SIZE;
      expect(Math.abs(agree - chance)).toBeLessThan(0.02);
    }
  });

  test('rows of one mask differ from one another', async () => {
    const { data } = (await at(3, 7)).strong;
    const rows = new Set(
      Array.from({ length: SHAPE[0]! }, (_, i) => data.subarray(i * SHAPE[1]!, (i + 1) * SHAPE[1]!).join()),
    );
    expect(rows.size).toBe(SHAPE[0]);
  });

  test.for(['eager-cpu', 'eager-wasm', 'eager-node'] as const)(
    '%s draws the same masks',
    async (executor, { skip }) => {
      skip(!isExecutorInstalled(executor), 'not installed');
      const eager = await compile(masks, signature, { executor });
      for (const [seed, step] of [
        [1, 0],
        [1, 12345],
        [77, 3],
      ] as const) {
        const expected = await at(seed, step);
        const actual = await eager.run({ x: ones, step: dropoutStep(seed, step) });
        for (const name of ['first', 'second', 'strong'] as const)
          expect(actual[name]!.data).toEqual(expected[name].data);
      }
    },
  );

  test('rate 0 is the identity and draws nothing the next call would have had', async () => {
    const fn: ProgramFunction = ({ x, step }) => {
      const dropout = createDropout(step!);
      return { first: dropout(x!, 0), second: dropout(x!, 0.1) };
    };
    const program = await compile(fn, signature);
    const result = await program.run({ x: ones, step: dropoutStep(1, 0) });
    expect(result.first!.data).toEqual(ones);
    expect(result.second!.data).toEqual((await at(1, 0)).second.data);
  });

  test('a rate outside [0, 1) is refused with its value', () => {
    expect(() => createDropout(tf.tensor1d([1, 2], 'int32'))(tf.ones([2]), 1)).toThrow(/got 1$/);
  });
});

describe('a gradient through dropout', () => {
  const [LAYERS, ROWS, WIDTH] = [6, 256, 512];
  /** Layers that need their mask on the way back, and nothing else of their size. */
  const chain: ProgramFunction = ({ x, step }) => {
    const { value, grad } = tf.valueAndGrad((start: Tensor) => {
      const dropout = createDropout(step!);
      let y = start;
      for (let i = 0; i < LAYERS; i++) y = tf.mul(dropout(y, 0.1), 1.5);
      return tf.sum(y) as never;
    })(x!);
    return { sum: value, dx: grad };
  };
  const inputs = { x: { shape: [ROWS, WIDTH], dtype: 'float32' as const }, step: DROPOUT_STEP };
  const without = ['masks taken again'];

  test('takes masks again from their pool: the same numbers, and none is kept', async () => {
    const step = dropoutStep(2, 5);
    const [again, kept] = await Promise.all(
      [{}, { without }].map(async (options) => {
        const program = await compile(chain, { inputs }, options);
        const result = await program.run({ x: new Float32Array(ROWS * WIDTH).fill(0.5), step });
        await program.dispose();
        return result;
      }),
    );
    expect(again!.dx!.data).toEqual(kept!.dx!.data);
    expect(again!.sum!.data).toEqual(kept!.sum!.data);
    const maskBytes = 4 * ROWS * WIDTH;
    const peakOf = (options: object) =>
      estimateMemory(traceOptimised(chain, { inputs }, options), new Map()).peakActivationBytes;
    expect(peakOf({ without })).toBeGreaterThan(LAYERS * maskBytes);
    expect(peakOf({})).toBeLessThan(4 * maskBytes);
  });

  /** Masks that a session took from their pools in one run, from ONNX Runtime's own profile. */
  async function masksTaken(fn: ProgramFunction): Promise<number> {
    const folder = temporaryFolder();
    const program = await compile(fn, { inputs }, { profilePrefix: path.join(folder, 'run') });
    await program.run({ x: new Float32Array(ROWS * WIDTH), step: dropoutStep(2, 5) });
    await program.dispose();
    const [profile] = readdirSync(folder);
    const events = readFileSync(path.join(folder, profile!), 'utf8');
    return events.match(/"name"\s*:\s*"Gather[^"]*_kernel_time"/g)!.length;
  }

  test('a session does take them twice: its own search for what is computed twice is off', async () => {
    expect(await masksTaken(chain)).toBe(2 * LAYERS);
  });

  test('within a loop, too', async () => {
    const steps = 3;
    const looped: ProgramFunction = ({ x, step }, weight) =>
      loop({ dx: x!, sum: tf.scalar(0) as Tensor }, steps, ({ dx }, at) => {
        // Other masks at each step, or they would be found before the loop.
        const result = chain({ x: dx, step: tf.add(step!, tf.reshape(at, [1])) }, weight);
        return { state: { dx: result.dx!, sum: result.sum! }, isDone: tf.scalar(false, 'bool') };
      });
    expect(await masksTaken(looped)).toBe(steps * 2 * LAYERS);
  });

  test('on a card, small masks are kept', () => {
    const gathers = (device: 'cpu' | 'cuda') =>
      traceOptimised(chain, { inputs }, { device }).nodes.filter(({ op }) => op === 'GatherV2').length;
    expect([gathers('cpu'), gathers('cuda')]).toEqual([2 * LAYERS, LAYERS]);
  });
});
