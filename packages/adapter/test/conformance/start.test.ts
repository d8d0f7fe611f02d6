/** Group 2: an adapter starts as the base model, and what it computes is finite. */
import { describe, expect, test } from 'vitest';
import { getPeftModel } from '../../src/index.ts';
import { perturb } from '../toy.ts';
import { adapted, baseOf, configOf, inputsOf, type ModelName, ROWS, titled } from './rows.ts';
import { distance, type Outputs, outputsOf, Probe } from './run.ts';

const bases = new Map<ModelName, Promise<Outputs>>();
const baseOutputs = (model: ModelName): Promise<Outputs> => {
  const known = bases.get(model) ?? outputsOf(baseOf({ model }), inputsOf({ model }));
  bases.set(model, known);
  return known;
};

describe.each(titled(ROWS))('%s', (_, row) => {
  test('starts as the base model, and random values change that', async () => {
    const model = await adapted(row, 'initial');
    const probe = await Probe.open(model, inputsOf(row));
    const base = await baseOutputs(row.model);
    expect(distance(await probe.outputs(), base)).toBeLessThanOrEqual(row.startsWithin);
    // The adapter alone: the head's values stay.
    perturb({ ...model, parameters: model.layers.parameters } as never);
    expect(distance(await probe.outputs(), base)).toBeGreaterThan(1e-3);
    await probe.dispose();
  });

  test('initial values follow the seed', async () => {
    const start = async (seed: number) =>
      (await getPeftModel(baseOf(row), configOf(row), { seed })).parameters.map(({ data }) => data);
    expect(await start(1)).toEqual(await start(1));
  });
});
