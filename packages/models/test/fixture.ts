/** The small random models of fixtures/deberta.json, with weights computed as tools/reference/deberta.py does. */
import { readFileSync } from 'node:fs';
import type { WeightData } from '@psoft/engine';
import type { Task } from '@psoft/models';

export interface FixtureRun {
  readonly inputIds: number[];
  readonly attentionMask: number[];
  readonly tokenTypeIds?: number[];
  readonly labels: number[];
  readonly shape: [number, number];
  /** Of every row, or for masked words of those rows that have a label. */
  readonly logits: number[];
  readonly loss: number;
  /** Norm, and product with a pseudo-random direction, by parameter. */
  readonly gradients: Record<string, [number, number]>;
}

export interface FixtureCase {
  readonly name: string;
  readonly task: Task;
  readonly config: Record<string, unknown>;
  readonly parameters: Record<string, number[]>;
  readonly runs: FixtureRun[];
  /** Module, rate and number of elements of each dropout of the first run's inputs. */
  readonly dropout: [string, number, number][];
}

interface Fixture {
  readonly cases: FixtureCase[];
  readonly buckets: { buckets: number; max: number; expected: number[] }[];
}

export const fixture: Fixture = JSON.parse(
  readFileSync(new URL('./fixtures/deberta.json', import.meta.url), 'utf8'),
);

/** Seed of the direction that gradients are multiplied with. */
const DIRECTION_SEED = 5000;

/** float32 in [-1, 1): a 32-bit integer hash of (seed, place). */
function uniform(seed: number, count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => {
    let x = (Math.imul(i, 0x9e3779b1) + Math.imul(seed, 0x85ebca77)) >>> 0;
    x = Math.imul(x ^ (x >>> 15), 0x2c1b3c6d);
    x = Math.imul(x ^ (x >>> 12), 0x297a2d39);
    x ^= x >>> 15;
    return (x >>> 8) / 2 ** 23 - 1;
  });
}

function scaleAndShift(name: string, shape: readonly number[]): [number, number] {
  if (name.endsWith('bias')) return [0.25, 0];
  if (name.includes('LayerNorm')) return [0.5, 1];
  return name.includes('embeddings') ? [1, 0] : [Math.fround(2.5 / Math.sqrt(shape[1]!)), 0];
}

export function fixtureWeights({ parameters }: FixtureCase): Map<string, WeightData> {
  return new Map(
    Object.entries(parameters).map(([name, shape], index) => {
      const [scale, shift] = scaleAndShift(name, shape);
      const values = uniform(
        index,
        shape.reduce((a, b) => a * b),
      );
      const data = values.map((value) => Math.fround(value * scale) + shift);
      return [name, { kind: 'data', data, shape }];
    }),
  );
}

/** Norm and projection of a gradient, as the fixture has them. */
export function summarise(gradient: ArrayLike<number>, index: number): [number, number] {
  const direction = uniform(DIRECTION_SEED + index, gradient.length);
  let [square, product] = [0, 0];
  for (let i = 0; i < gradient.length; i++) {
    square += gradient[i]! ** 2;
    product += gradient[i]! * direction[i]!;
  }
  return [Math.sqrt(square), product];
}
