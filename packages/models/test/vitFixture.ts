/** The small random models of fixtures/vit.json, with weights and pixels computed as tools/reference/vit.py does. */
import { readFileSync } from 'node:fs';
import type { WeightData } from '@psoft/engine';
import { uniform } from './parity.ts';

export interface VitRun {
  /** Of the pixels. */
  readonly seed: number;
  readonly shape: [number, number, number, number];
  readonly labels: number[];
  readonly logits: number[];
  readonly loss: number;
  /** Norm, and product with a pseudo-random direction, by parameter. */
  readonly gradients: Record<string, [number, number]>;
}

export interface VitCase {
  readonly name: string;
  readonly config: Record<string, unknown> & {
    readonly model_type: 'vit' | 'dinov2';
    readonly num_hidden_layers: number;
  };
  readonly parameters: Record<string, number[]>;
  /** Of the encoder's own checkpoint: without a prefix, and without a head. */
  readonly bareNames: string[];
  readonly runs: VitRun[];
  /** Rate and number of elements of each dropout of the first run's images. */
  readonly dropout: [number, number][];
}

export const vitCases: VitCase[] = JSON.parse(
  readFileSync(new URL('./fixtures/vit.json', import.meta.url), 'utf8'),
).cases;

const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b);

function scaleAndShift(name: string, shape: readonly number[]): [number, number] {
  if (name.endsWith('bias')) return [0.25, 0];
  if (name.includes('norm') || name.includes('lambda')) return [0.5, 1];
  if (name.includes('token') || name.includes('position')) return [1, 0];
  return [Math.fround(2.5 / Math.sqrt(sizeOf(shape.slice(1)))), 0];
}

export function vitWeights({ parameters }: VitCase): Map<string, WeightData> {
  return new Map(
    Object.entries(parameters).map(([name, shape], index) => {
      const [scale, shift] = scaleAndShift(name, shape);
      const data = uniform(index, sizeOf(shape)).map((value) => Math.fround(value * scale) + shift);
      return [name, { kind: 'data', data, shape }];
    }),
  );
}

export function pixelsOf({ seed, shape }: VitRun): Float32Array {
  return uniform(seed, sizeOf(shape));
}
