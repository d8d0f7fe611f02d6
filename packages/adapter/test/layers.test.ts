/** Every method that PEFT has, against PEFT's own layer: fixtures written by tools/reference/methods.py. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { type Tensor, tf, type WeightData } from '@psoft/engine';
import { beforeAll, describe, expect, test } from 'vitest';
import { configFromPeft, getPeftModel, type PeftModel } from '../src/index.ts';
import { bindingsOf, largestDifference, oneLayer, tensorOf } from './toy.ts';

interface Values {
  readonly shape: number[];
  readonly values: number[];
}

interface Case {
  readonly name: string;
  readonly config: Record<string, unknown>;
  readonly in: number;
  readonly out: number;
  readonly baseWeight: number[];
  readonly bias: number[] | null;
  readonly frozen: Record<string, Values>;
  readonly parameters: Record<string, Values>;
  readonly x: number[];
  readonly pull: number[];
  readonly y: number[];
  readonly gradients: Record<string, number[]>;
  readonly merged: number[];
}

const FIXTURES = path.join(import.meta.dirname, 'fixtures', 'layers');
const files = (await readdir(FIXTURES)).filter((name) => name.endsWith('.json')).sort();
const cases: [string, Case][] = [];
for (const file of files)
  for (const one of JSON.parse(await readFile(path.join(FIXTURES, file), 'utf8')) as Case[])
    cases.push([`${path.basename(file, '.json')}: ${one.name}`, one]);

beforeAll(() => tf.setBackend('cpu'));

/** Methods of PEFT's that are here must all have fixtures. */
test('there are fixtures for every method that PEFT has', () => {
  expect(files).toEqual(['boft.json', 'dora.json', 'lora.json', 'oft.json', 'pissa.json', 'vera.json']);
});

const magnitudeOf = (values: ArrayLike<number>): number => Math.max(...Array.from(values, Math.abs));

describe.each(cases)('%s', (_, fixture) => {
  async function atFixture(): Promise<PeftModel> {
    const config = configFromPeft({ ...fixture.config, target_modules: ['layer'] });
    const model = await getPeftModel(
      oneLayer(fixture.in, fixture.out, fixture.baseWeight, fixture.bias),
      config,
      { seed: 77 },
    );
    const state = model.layers.state();
    expect([...state.keys()].sort()).toEqual(
      Object.keys(fixture.parameters)
        .map((key) => `layer.${key}`)
        .sort(),
    );
    for (const [key, { shape, values }] of Object.entries(fixture.parameters)) {
      const own = state.get(`layer.${key}`)!;
      expect(own.shape, key).toEqual(shape);
      own.data.set(values);
    }
    return model;
  }

  test('frozen tensors are those of PEFT', async () => {
    const model = await atFixture();
    for (const [key, { values }] of Object.entries(fixture.frozen)) {
      if (key.startsWith('pissa_')) continue;
      const ours = model.layers.savedWeights!.get(`base_model.${key}`)!.data;
      // The fixture has eight digits.
      expect(
        Array.from(ours, (value) => Number(value.toPrecision(8))),
        key,
      ).toEqual(values);
    }
    const { pissa_A: a, pissa_B: b } = fixture.frozen;
    if (!a || !b) return;
    // Up to the signs of the singular vectors, which their product does not see.
    const product = (left: ArrayLike<number>, right: ArrayLike<number>, rank: number): number[] =>
      Array.from({ length: fixture.out * fixture.in }, (_, i) => {
        let sum = 0;
        for (let k = 0; k < rank; k++)
          sum += left[Math.floor(i / fixture.in) * rank + k]! * right[k * fixture.in + (i % fixture.in)]!;
        return sum;
      });
    const rank = a.shape[0]!;
    const [ours, theirs] = ['layer.pissa_B', 'layer.pissa_A'].map(
      (key) => model.layers.weights.get(key)!.data,
    );
    expect(largestDifference(product(ours!, theirs!, rank), product(b.values, a.values, rank))).toBeLessThan(
      1e-5,
    );
  });

  test('output and every gradient', async () => {
    const model = await atFixture();
    const { weights, parameters } = bindingsOf(model);
    const names = Object.keys(parameters);
    const x = tensorOf({ shape: [3, fixture.in], data: Float32Array.from(fixture.x) });
    const pull = tensorOf({ shape: [3, fixture.out], data: Float32Array.from(fixture.pull) });
    const forward = (given: Tensor, ...values: Tensor[]): Tensor => {
      const bound = Object.fromEntries(names.map((name, i) => [name, values[i]!]));
      return model.forward({ weights, parameters: bound }, { x: given }).y!;
    };
    const y = forward(x, ...Object.values(parameters)).dataSync();
    expect(largestDifference(y, fixture.y)).toBeLessThan(5e-6 * magnitudeOf(fixture.y));
    const loss = (...all: Tensor[]) => tf.sum(tf.mul(forward(...(all as [Tensor])), pull));
    const gradients = tf.grads(loss as never)([x, ...Object.values(parameters)]);
    for (const [i, name] of ['x', ...names].entries()) {
      const expected = fixture.gradients[name]!;
      const tolerance = 2e-5 * Math.max(1, magnitudeOf(expected));
      expect(largestDifference(gradients[i]!.dataSync(), expected), name).toBeLessThan(tolerance);
    }
  });

  test('merged weight', async () => {
    const model = await atFixture();
    await model.merge();
    const merged = model.weights.get('layer.weight') as WeightData;
    expect(largestDifference(merged.data, fixture.merged)).toBeLessThan(5e-6 * magnitudeOf(fixture.merged));
  });
});
