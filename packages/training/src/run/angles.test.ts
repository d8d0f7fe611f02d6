import path from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  getPeftModel,
  LoraConfig,
  type NeumannConvention,
  OftConfig,
  type PeftModel,
  PsoftConfig,
} from '@psoft/adapter';
import { RandomStream, readWeight } from '@psoft/engine';
import { expect, test } from 'vitest';
import { measureModel } from './angles.ts';
import { openModel } from './prepare.ts';
import { taskOf } from './sources.ts';

const CHECKPOINT = fileURLToPath(
  new URL(path.join('../../../tiny-models/checkpoints', 'deberta-tiny'), import.meta.url),
);
const TARGETS = { targetModules: ['query_proj'] };

/** An adapter on our pre-trained model, its values moved as far as training moves them. */
async function moved(config: PsoftConfig | LoraConfig | OftConfig, by = 0.1): Promise<PeftModel> {
  const { model } = await openModel(CHECKPOINT, taskOf({ experiment: 'nlu', task: 'cola' }), 1);
  const peft = await getPeftModel(model, config, { seed: 1 });
  for (const { name, data } of peft.layers.parameters) {
    const stream = RandomStream.from(7, name);
    for (let i = 0; i < data.length; i++) data[i]! += by * stream.normal();
  }
  return peft;
}

const psoft = (more: object = {}) => new PsoftConfig({ ...TARGETS, r: 16, psoftAlpha: 16, ...more });
const STRICT = { psoftMagA: false, psoftMagB: false };

test('strict PSOFT keeps angles and norms to the resolution of float32, of the principal part and of the weight', async () => {
  const { principal, whole, rank, modules, shown } = await measureModel(await moved(psoft(STRICT)), 64);
  expect({ rank, modules, shown }).toEqual({
    ...{ rank: 16, modules: 4 },
    shown: {
      module: 'deberta.encoder.layer.2.attention.self.query_proj',
      columns: [0, 1, 2, 3, 4, 5, 6, 7],
    },
  });
  for (const { change } of [principal, whole]) {
    expect(change.pairs).toBe((4 * 64 * 63) / 2);
    // Degrees: some units of float32's 6e-8 in a product of 128 terms.
    expect(change.largest).toBeLessThan(2e-4);
    expect(change.largest).toBeGreaterThan(0);
    expect(change.largestNormChange).toBeLessThan(2e-6);
  }
  expect(principal.after).toEqual(
    principal.before.map((row) => row.map((angle) => expect.closeTo(angle, 3))),
  );
}, 30_000);

test('relaxed, a short series and a free R do not', async () => {
  const change = async (more: object) =>
    (await measureModel(await moved(psoft(more)), 64)).principal.change.largest;
  expect(await change({})).toBeGreaterThan(1);
  const series = { useCayleyNeumann: true, neumannConvention: 'paper' as NeumannConvention };
  const [two, eight] = [
    await change({ ...STRICT, ...series, numCayleyNeumannTerms: 2 }),
    await change({ ...STRICT, ...series, numCayleyNeumannTerms: 8 }),
  ];
  expect(two).toBeGreaterThan(eight);
  expect(await change({ ...STRICT, psoftOrth: false })).toBeGreaterThan(1);
}, 60_000);

test('what is shown are the angles of the merged weight', async () => {
  const peft = await moved(psoft());
  const { whole, shown } = await measureModel(peft, 64);
  const merged = await peft.mergeAndUnload();
  const name = `${shown.module}.weight`;
  for (const [model, angles] of [
    [peft.base, whole.before],
    [merged, whole.after],
  ] as const) {
    const source = model.weights.get(name)!;
    const data = await readWeight(source);
    const length = source.shape[1]!;
    const row = (i: number) => Array.from(data.slice(i * length, (i + 1) * length), Number);
    const [u, v] = [row(2), row(5)];
    // By half the chord between unit vectors, which takes no product.
    const [a, b] = [Math.hypot(...u), Math.hypot(...v)];
    const chord = Math.hypot(...u.map((value, i) => value / a - v[i]! / b));
    expect(angles[2]![5]).toBeCloseTo((2 * Math.asin(chord / 2) * 180) / Math.PI, 3);
  }
}, 30_000);

test('methods without a principal part are measured on that of a given rank', async () => {
  const lora = await moved(new LoraConfig({ ...TARGETS, r: 4, loraAlpha: 4 }));
  await expect(measureModel(lora, 64)).rejects.toThrow('LORA has no principal part of its own: give --rank');
  const { principal, whole, rank } = await measureModel(lora, 64, 16);
  expect(rank).toBe(16);
  expect(principal.change.largest).toBeGreaterThan(1);
  // The same base as PSOFT's of that rank: one from the adapter's factors, one from the weight.
  const strict = await measureModel(await moved(psoft(STRICT)), 64);
  expect(principal.before).toEqual(
    strict.principal.before.map((row) => row.map((angle) => expect.closeTo(angle, 2))),
  );
  expect(whole.before).toEqual(strict.whole.before);
  await expect(measureModel(await moved(psoft()), 64, 8)).rejects.toThrow(
    "--rank=8: the run's principal part has rank 16; leave --rank out",
  );
  // An update that is no thin product.
  const oft = await measureModel(await moved(new OftConfig({ ...TARGETS, oftBlockSize: 16 })), 64, 16);
  expect(oft.whole.change.largest).toBeGreaterThan(0);
}, 60_000);
