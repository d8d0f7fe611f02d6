/**
 * What PEFT lacks, against the same mathematics written down with dense matrices in double precision: outputs, every
 * gradient (by central differences of the dense loss) and merged weights, at random values.
 */
import { type Model, type Tensor, tf } from '@psoft/engine';
import { beforeAll, describe, expect, test } from 'vitest';
import { getPeftModel, methodNamed, type PeftModel } from '../src/index.ts';
import { bindingsOf, largestDifference, oneLayer, perturb, random, tensorOf } from './toy.ts';

/** Row-major, in double precision. */
interface Dense {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}

const dense = (rows: number, columns: number, at: (row: number, column: number) => number): Dense => ({
  rows,
  columns,
  data: Float64Array.from({ length: rows * columns }, (_, i) => at(Math.floor(i / columns), i % columns)),
});
const entry = ({ columns, data }: Dense, row: number, column: number): number =>
  data[row * columns + column]!;
const times = (a: Dense, b: Dense): Dense =>
  dense(a.rows, b.columns, (row, column) => {
    let sum = 0;
    for (let k = 0; k < a.columns; k++) sum += entry(a, row, k) * entry(b, k, column);
    return sum;
  });
const transposed = (a: Dense): Dense => dense(a.columns, a.rows, (row, column) => entry(a, column, row));
const identity = (n: number): Dense => dense(n, n, (row, column) => Number(row === column));
const diagonal = (values: ArrayLike<number>): Dense =>
  dense(values.length, values.length, (row, column) => (row === column ? values[row]! : 0));
const matrix = (rows: number, columns: number, values: ArrayLike<number>): Dense =>
  dense(rows, columns, (row, column) => values[row * columns + column]!);
/** By Gauss and Jordan, with pivots. */
function inverse(a: Dense): Dense {
  const n = a.rows;
  const work = dense(n, 2 * n, (row, column) =>
    column < n ? entry(a, row, column) : Number(column - n === row),
  );
  const { data } = work;
  for (let k = 0; k < n; k++) {
    let pivot = k;
    for (let i = k; i < n; i++) if (Math.abs(entry(work, i, k)) > Math.abs(entry(work, pivot, k))) pivot = i;
    for (let j = 0; j < 2 * n; j++) {
      const kept = data[k * 2 * n + j]!;
      data[k * 2 * n + j] = data[pivot * 2 * n + j]!;
      data[pivot * 2 * n + j] = kept;
    }
    const scale = entry(work, k, k);
    for (let j = 0; j < 2 * n; j++) data[k * 2 * n + j]! /= scale;
    for (let i = 0; i < n; i++) {
      const factor = entry(work, i, k);
      if (i !== k) for (let j = 0; j < 2 * n; j++) data[i * 2 * n + j]! -= factor * entry(work, k, j);
    }
  }
  return dense(n, n, (row, column) => entry(work, row, column + n));
}

type Values = Readonly<Record<string, ArrayLike<number>>>;

interface Case {
  readonly method: string;
  readonly options: Record<string, unknown>;
  readonly out: number;
  readonly in: number;
  readonly bias?: boolean;
  readonly spread?: number;
  /** The merged weight from the frozen one, trained values by key, and the frozen tensors of the layer. */
  merged(weight: Dense, values: Values, frozen: Values, size: { in: number; out: number }): Dense;
}

/** G₀ G₁ ... of the pairs (2k s, (2k + 1) s), stage by stage: every rotation mixes two columns of the product. */
function givens(n: number, pair: (index: number) => readonly [number, number, number, number]): Dense {
  const product = identity(n);
  const { data } = product;
  let index = 0;
  for (let step = 1, left = n; left > 1; step *= 2, left = Math.ceil(left / 2))
    for (let k = 0; k < Math.floor(left / 2); k++, index++) {
      const [i, j] = [2 * k * step, (2 * k + 1) * step];
      const [a, b, c, d] = pair(index);
      for (let row = 0; row < n * n; row += n) {
        const [first, second] = [data[row + i]!, data[row + j]!];
        data[row + i] = first * a + second * c;
        data[row + j] = first * b + second * d;
      }
    }
  expect(index).toBe(Math.max(0, n - 1));
  return product;
}

const rotation = (v: number): readonly [number, number, number, number] => {
  const theta = Math.PI * Math.tanh(v);
  return [Math.cos(theta), -Math.sin(theta), Math.sin(theta), Math.cos(theta)];
};

const goft: Case['merged'] = (weight, values, _, { in: n }) => {
  const angles = values.givens_hard;
  const rotations = angles
    ? givens(n, (i) => rotation(angles[i]!))
    : givens(
        n,
        (i) => [0, 1, 2, 3].map((k) => values.givens_soft![4 * i + k]!) as [number, number, number, number],
      );
  const scaled = values.givens_scaler ? times(weight, diagonal(values.givens_scaler)) : weight;
  return times(scaled, rotations);
};

const loraXs =
  (r: number, scaling: number): Case['merged'] =>
  (weight, values, frozen, size) => {
    const latent = matrix(r, r, values['lora_latent_mapping.weight']!);
    const update = times(
      times(matrix(size.out, r, frozen.lora_B!), latent),
      matrix(r, size.in, frozen.lora_A!),
    );
    return dense(size.out, size.in, (i, j) => entry(weight, i, j) + scaling * entry(update, i, j));
  };

const scaledOft =
  (block: number): Case['merged'] =>
  (weight, values, _, size) => {
    const packed = values['oft_R.weight']!;
    const each = (block * (block - 1)) / 2;
    let rotated = identity(size.in);
    for (let k = 0; k < size.in / block; k++) {
      let at = k * each;
      const q = identity(block);
      q.data.fill(0);
      for (let i = 0; i < block; i++)
        for (let j = i + 1; j < block; j++, at++) {
          q.data[i * block + j] = packed[at]!;
          q.data[j * block + i] = -packed[at]!;
        }
      const [plus, minus] = [1, -1].map((sign) =>
        dense(block, block, (i, j) => Number(i === j) + sign * entry(q, i, j)),
      ) as [Dense, Dense];
      const r = times(minus, inverse(plus));
      const whole = identity(size.in);
      for (let i = 0; i < block; i++)
        for (let j = 0; j < block; j++)
          whole.data[(k * block + i) * size.in + k * block + j] = entry(r, i, j);
      rotated = times(rotated, whole);
    }
    return times(diagonal(values.oft_s!), times(weight, transposed(rotated)));
  };

const svft =
  (positions?: (n: number) => number[]): Case['merged'] =>
  (weight, values, frozen, size) => {
    const n = frozen.svft_V!.length / size.in;
    const places = positions?.(n) ?? Array.from(frozen.positions!);
    const gate = 1 / (1 + Math.exp(-values.svft_gate![0]!));
    const m = dense(n, n, () => 0);
    expect(places).toHaveLength(values['svft_M.weight']!.length);
    places.forEach((place, i) => {
      m.data[place] = gate * values['svft_M.weight']![i]!;
    });
    const update = times(times(matrix(size.out, n, frozen.svft_U!), m), matrix(n, size.in, frozen.svft_V!));
    return dense(size.out, size.in, (i, j) => entry(weight, i, j) + entry(update, i, j));
  };
const band = (k: number) => (n: number) =>
  Array.from({ length: n * n }, (_, i) => i).filter((i) => Math.abs(Math.floor(i / n) - (i % n)) <= k);

const CASES: Case[] = [
  { method: 'svft', options: {}, out: 6, in: 9, merged: svft(band(0)) },
  { method: 'svft', options: { pattern: 'banded' }, out: 7, in: 7, merged: svft(band(1)), bias: false },
  { method: 'svft', options: { pattern: 'banded', offDiag: 3 }, out: 9, in: 6, merged: svft(band(3)) },
  { method: 'svft', options: { pattern: 'banded', rank: 4 }, out: 9, in: 6, merged: svft(band(1)) },
  { method: 'svft', options: { pattern: 'random', offDiag: 2 }, out: 8, in: 10, merged: svft() },
  { method: 'svft', options: { pattern: 'top_k', offDiag: 1 }, out: 8, in: 8, merged: svft() },
  { method: 'svft', options: { pattern: 'top_k', offDiag: 2 }, out: 10, in: 7, merged: svft() },
  ...[2, 3, 7, 8, 16, 17, 31, 40].map(
    (n): Case => ({ method: 'goft', options: {}, out: 5, in: n, merged: goft }),
  ),
  { method: 'goft', options: { noScaling: false }, out: 6, in: 20, bias: false, merged: goft },
  { method: 'goft', options: {}, out: 3, in: 140, merged: goft, spread: 1 },
  { method: 'goft', options: {}, out: 5, in: 1, merged: (weight) => weight },
  ...[2, 5, 16, 33].map(
    (n): Case => ({ method: 'qgoft', options: {}, out: 4, in: n, merged: goft, bias: false }),
  ),
  { method: 'qgoft', options: { noScaling: false }, out: 4, in: 18, merged: goft },
  { method: 'lora-xs', options: { r: 3, loraAlpha: 6 }, out: 7, in: 9, merged: loraXs(3, 2) },
  { method: 'lora-xs', options: { r: 5, loraAlpha: 5 }, out: 5, in: 8, bias: false, merged: loraXs(5, 1) },
  { method: 'lora-xs', options: { r: 4, loraAlpha: 16 }, out: 10, in: 6, merged: loraXs(4, 4) },
  {
    method: 'oft',
    options: { oftBlockSize: 3, useCayleyNeumann: false, scaled: true },
    out: 5,
    in: 9,
    merged: scaledOft(3),
  },
  {
    method: 'oft',
    options: { oftBlockSize: 4, useCayleyNeumann: false, scaled: true },
    out: 6,
    in: 8,
    bias: false,
    merged: scaledOft(4),
  },
];

const ROWS = 3;

beforeAll(() => tf.setBackend('cpu'));

describe.each(
  CASES.map((one) => [`${one.method} ${JSON.stringify(one.options)} ${one.out} x ${one.in}`, one] as const),
)('%s', (_, one) => {
  async function atRandom(): Promise<{ model: PeftModel; base: Model }> {
    const { in: n, out, bias = true } = one;
    const weight = random(5, 'weight', [out, n], 0.5).data;
    const base = oneLayer(n, out, weight, bias ? random(5, 'bias', [out], 0.5).data : null);
    const config = methodNamed(one.method).configure({ ...one.options, targetModules: ['layer'] });
    const model = await getPeftModel(base, config, { seed: 4 });
    perturb(model, 9, one.spread ?? 0.3);
    return { model, base };
  }

  const size = { in: one.in, out: one.out };
  const frozenOf = (model: PeftModel): Values =>
    Object.fromEntries([
      ...[...model.layers.weights].map(([name, { data }]) => [name.replace('layer.', ''), data]),
      ...[...(model.layers.savedWeights ?? [])].map(([key, { data }]) => [key.split('svft_').at(-1), data]),
    ]);
  const valuesOf = (model: PeftModel): Record<string, Float64Array> =>
    Object.fromEntries(model.parameters.map(({ name, data }) => [name, Float64Array.from(data)]));

  test('output, gradients and merged weight', async () => {
    const { model, base } = await atRandom();
    const [weightData, biasData] = ['layer.weight', 'layer.bias'].map(
      (name) => (base.weights.get(name) as { data: Float32Array } | undefined)?.data,
    );
    const weight = matrix(one.out, one.in, weightData!);
    const frozen = frozenOf(model);
    const [x, pull] = [random(6, 'x', [ROWS, one.in]), random(6, 'pull', [ROWS, one.out])];
    const outputs = (values: Values, input: ArrayLike<number>): Dense => {
      const merged = one.merged(weight, values, frozen, size);
      const y = times(matrix(ROWS, one.in, input), transposed(merged));
      return dense(ROWS, one.out, (i, j) => entry(y, i, j) + (biasData?.[j] ?? 0));
    };
    const loss = (values: Values, input: ArrayLike<number>): number =>
      outputs(values, input).data.reduce((sum, value, i) => sum + value * pull.data[i]!, 0);

    const { weights, parameters } = bindingsOf(model);
    const names = Object.keys(parameters);
    const forward = (given: Tensor, ...all: Tensor[]): Tensor => {
      const bound = Object.fromEntries(names.map((name, i) => [name, all[i]!]));
      return model.forward({ weights, parameters: bound }, { x: given }).y!;
    };
    const y = forward(tensorOf(x), ...Object.values(parameters)).dataSync();
    const values = valuesOf(model);
    const expected = outputs(values, x.data);
    expect(largestDifference(y, expected.data)).toBeLessThan(1e-5);

    const objective = (...all: Tensor[]) => tf.sum(tf.mul(forward(...(all as [Tensor])), tensorOf(pull)));
    const gradients = tf.grads(objective as never)([tensorOf(x), ...Object.values(parameters)]);
    const step = 1e-5;
    for (const [place, name] of ['x', ...names].entries()) {
      const own = name === 'x' ? Float64Array.from(x.data) : values[name]!;
      const computed = gradients[place]!.dataSync();
      expect(computed).toHaveLength(own.length);
      // All of a small tensor, some of a large one.
      const stride = Math.max(1, Math.floor(own.length / 40));
      for (let i = 0; i < own.length; i += stride) {
        const kept = own[i]!;
        const at = (value: number): number => {
          own[i] = value;
          return name === 'x' ? loss(values, own) : loss(values, x.data);
        };
        const slope = (at(kept + step) - at(kept - step)) / (2 * step);
        own[i] = kept;
        expect(Math.abs(computed[i]! - slope), `${name}[${i}]`).toBeLessThan(
          2e-5 * Math.max(1, Math.abs(slope)),
        );
      }
    }
    await model.merge();
    const merged = (model.weights.get('layer.weight') as { data: Float32Array }).data;
    expect(largestDifference(merged, one.merged(weight, values, frozen, size).data)).toBeLessThan(1e-5);
  });
});
