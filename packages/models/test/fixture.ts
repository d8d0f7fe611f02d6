/** The small random models of fixtures/deberta.json, with weights computed as tools/reference/deberta.py does. */
import { readFileSync } from 'node:fs';
import type { WeightData } from '@psoft/engine';
import type { Task } from '@psoft/models';
import { uniform } from './parity.ts';

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
