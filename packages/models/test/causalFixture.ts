/** The small random models of fixtures/llama.json and opt.json, with weights as tools/reference/causal_lm.py has them. */
import { readFileSync } from 'node:fs';
import type { WeightData } from '@psoft/engine';
import { uniform } from './parity.ts';

export interface CausalRun {
  readonly padding: 'right' | 'left' | 'none';
  readonly shape: [number, number];
  readonly inputIds: number[];
  readonly attentionMask: number[];
  readonly labels: number[];
  /** Of the tokens that are no padding. */
  readonly logits: number[];
  /** lossSum / labelCount; both count the labels that something stands before. */
  readonly loss: number;
  readonly lossSum: number;
  readonly labelCount: number;
  /** Of `loss`: norm, and product with a pseudo-random direction, by parameter. */
  readonly gradients: Record<string, [number, number]>;
}

export interface Said {
  readonly ids: number[];
  readonly finished: boolean;
}

export interface Generations {
  readonly eosIds: number[];
  readonly padId: number;
  readonly prompts: number[][];
  readonly newTokens: number;
  readonly greedy: Said[];
  /** Of each prompt all beams, best first. */
  readonly beams: {
    readonly beams: number;
    readonly lengthPenalty: number;
    readonly earlyStopping: boolean;
    readonly results: (Said & { readonly score: number })[][];
  }[];
  /** What the first token of each prompt is drawn from; null cannot be. topK 0: all. */
  readonly sampling: {
    readonly temperature: number;
    readonly topK: number;
    readonly topP: number;
    readonly logProbabilities: (number | null)[][];
  }[];
}

export interface CausalCase {
  readonly name: string;
  readonly config: Record<string, unknown>;
  readonly weightSeed: number;
  readonly parameters: Record<string, number[]>;
  readonly runs: CausalRun[];
  readonly generations: Generations;
  /** Rate and number of elements of each dropout of the last run's inputs. */
  readonly dropout: [number, number][];
}

export const cases: CausalCase[] = ['llama', 'opt'].flatMap((family) => {
  const file = new URL(`./fixtures/${family}.json`, import.meta.url);
  const read: { cases: CausalCase[] } = JSON.parse(readFileSync(file, 'utf8'));
  return read.cases.map((one) => ({ ...one, name: `${family}: ${one.name}` }));
});

function scaleAndShift(name: string, shape: readonly number[]): [number, number] {
  if (name.endsWith('bias')) return [0.25, 0];
  if (name.includes('norm')) return [0.5, 1];
  if (name.includes('embed')) return [Math.fround(0.3), 0];
  return name === 'lm_head.weight' ? [1, 0] : [Math.fround(2.5 / Math.sqrt(shape[1]!)), 0];
}

export function causalWeights({ parameters, weightSeed }: CausalCase): Map<string, WeightData> {
  return new Map(
    Object.entries(parameters).map(([name, shape], index) => {
      const [scale, shift] = scaleAndShift(name, shape);
      const values = uniform(
        weightSeed + index,
        shape.reduce((a, b) => a * b),
      );
      const data = values.map((value) => Math.fround(value * scale) + shift);
      return [name, { kind: 'data', data, shape }];
    }),
  );
}
