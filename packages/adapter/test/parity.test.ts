/** PSOFT against PEFT's own, on fixtures written by tools/reference/psoft.py. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { readSafetensorsHeader, type Tensor, tf, type WeightData } from '@psoft/engine';
import { beforeAll, describe, expect, test } from 'vitest';
import { optionsFromPeft } from '../src/config.ts';
import { getPeftModel, methodNamed, PeftModel, type PsoftConfig } from '../src/index.ts';
import { bindingsOf, largestDifference, logitsOf, oneLayer, tensorOf, toyModel } from './toy.ts';

interface Case {
  config: Record<string, unknown>;
  in: number;
  out: number;
  baseWeight: number[];
  bias: number[] | null;
  a: number[];
  b: number[];
  parameters: Record<string, number[]>;
  x: number[];
  pull: number[];
  y: number[];
  gradients: Record<string, number[]>;
  merged: number[];
}

const FIXTURES = path.join(import.meta.dirname, 'fixtures');
const cases: Case[] = JSON.parse(await readFile(path.join(FIXTURES, 'layers.json'), 'utf8'));

beforeAll(() => tf.setBackend('cpu'));

const magnitudeOf = (values: ArrayLike<number>): number => Math.max(...Array.from(values, Math.abs));

describe.each(cases.map((fixture) => [JSON.stringify(fixture.config), fixture] as const))(
  '%s',
  (_, fixture) => {
    const config = methodNamed('psoft').configure({
      ...optionsFromPeft(fixture.config),
      targetModules: ['layer'],
    }) as PsoftConfig;

    async function atFixture(): Promise<PeftModel> {
      const model = await getPeftModel(
        oneLayer(fixture.in, fixture.out, fixture.baseWeight, fixture.bias),
        config,
      );
      for (const { name, data } of model.parameters)
        data.set(fixture.parameters[name.replace('psoft_R.', '')]!);
      expect(model.parameters).toHaveLength(Object.keys(fixture.parameters).length);
      return model;
    }

    /** PEFT's signs, so that its R means the same here. */
    function usePeftBasis(model: PeftModel): void {
      model.layers.weights.get('layer.psoft_A')!.data.set(fixture.a);
      model.layers.weights.get('layer.psoft_B')!.data.set(fixture.b);
    }

    test("A and B are PEFT's up to the sign of each vector", async () => {
      const model = await atFixture();
      const a = model.layers.weights.get('layer.psoft_A')!.data;
      const b = model.layers.weights.get('layer.psoft_B')!.data;
      for (let row = 0; row < config.r; row++) {
        const at = row * fixture.in;
        const sign = Math.sign(a[at]! * fixture.a[at]!);
        const [ours, theirs] = [a, fixture.a].map((values) => Array.from(values.slice(at, at + fixture.in)));
        expect(
          largestDifference(
            ours!,
            theirs!.map((value) => sign * value),
          ),
        ).toBeLessThan(2e-5);
        const column = (values: ArrayLike<number>, factor: number) =>
          Array.from({ length: fixture.out }, (_, i) => factor * values[i * config.r + row]!);
        expect(largestDifference(column(b, 1), column(fixture.b, sign))).toBeLessThan(1e-4);
      }
    });

    test('output and every gradient', async () => {
      const model = await atFixture();
      usePeftBasis(model);
      const { weights, parameters } = bindingsOf(model);
      const names = Object.keys(parameters);
      const x = tensorOf({ shape: [3, fixture.in], data: Float32Array.from(fixture.x) });
      const pull = tensorOf({ shape: [3, fixture.out], data: Float32Array.from(fixture.pull) });
      const forward = (given: Tensor, ...values: Tensor[]): Tensor => {
        const bound = Object.fromEntries(names.map((name, i) => [name, values[i]!]));
        return model.forward({ weights, parameters: bound }, { x: given }).y!;
      };
      const y = forward(x, ...Object.values(parameters)).dataSync();
      expect(largestDifference(y, fixture.y)).toBeLessThan(3e-6 * magnitudeOf(fixture.y));
      const loss = (...all: Tensor[]) => tf.sum(tf.mul(forward(...(all as [Tensor])), pull));
      const gradients = tf.grads(loss as never)([x, ...Object.values(parameters)]);
      for (const [i, name] of ['x', ...names].entries()) {
        const expected = fixture.gradients[name.replace('psoft_R.', '')]!;
        const tolerance = 1e-5 * Math.max(1, magnitudeOf(expected));
        expect(largestDifference(gradients[i]!.dataSync(), expected), name).toBeLessThan(tolerance);
      }
    });

    test('merged weight', async () => {
      const model = await atFixture();
      usePeftBasis(model);
      await model.merge();
      const merged = model.weights.get('layer.weight') as WeightData;
      expect(largestDifference(merged.data, fixture.merged)).toBeLessThan(3e-6 * magnitudeOf(fixture.merged));
    });
  },
);

describe('an adapter that PEFT saved', () => {
  const folder = path.join(FIXTURES, 'peft');

  test('loads with its basis file to the same outputs', async () => {
    const { tensors } = await readSafetensorsHeader(path.join(folder, 'base.safetensors'));
    const base = toyModel({ given: tensors });
    const { x, logits } = JSON.parse(await readFile(path.join(folder, 'expected.json'), 'utf8'));
    const input = tensorOf({ shape: [5, 12], data: Float32Array.from(x) });
    const model = await PeftModel.fromPretrained(base, folder, { basis: path.join(folder, 'basis.json') });
    expect(model.targetModules).toHaveLength(6);
    expect(largestDifference(logitsOf(model, input), logits)).toBeLessThan(1e-5);
    // The rule's own signs differ from LAPACK's somewhere, or the file would prove nothing.
    const plain = await getPeftModel(base, model.config);
    model.parameters.forEach(({ data }, i) => {
      plain.parameters[i]!.data.set(data);
    });
    expect(largestDifference(logitsOf(plain, input), logits)).toBeGreaterThan(1e-2);
  });

  test('is refused without', async () => {
    await expect(PeftModel.fromPretrained(toyModel(), folder)).rejects.toThrow(
      'does not say which singular vectors its values refer to',
    );
  });
});
