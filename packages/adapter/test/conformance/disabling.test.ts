/** Group 6: a disabled adapter is the base model, an enabled one what it was, merged or not. */
import { describe, expect, test } from 'vitest';
import { adapted, baseOf, inputsOf, onOneModule, PLAIN_ROWS, ROWS, titled } from './rows.ts';
import { distance, outputsOf } from './run.ts';

const rows = [...PLAIN_ROWS, ...ROWS.filter(({ model }) => model === 'deberta').slice(0, 1)];

describe.each(titled(rows.map(onOneModule)))('%s', (_, row) => {
  test('disabled, merged and back in every order', async () => {
    const model = await adapted(row);
    const now = () => outputsOf(model, inputsOf(row));
    const base = await outputsOf(baseOf(row), inputsOf(row));
    const before = await now();
    expect(distance(before, base)).toBeGreaterThan(1e-2);

    model.disableAdapter();
    expect(model.isEnabled).toBe(false);
    expect(distance(await now(), base)).toBe(0);
    model.enableAdapter();
    expect(model.isEnabled).toBe(true);

    await model.merge();
    const merged = await now();
    expect(distance(merged, before)).toBeLessThan(2e-5);
    model.disableAdapter();
    expect(distance(await now(), base)).toBe(0);
    model.enableAdapter();
    expect(distance(await now(), merged)).toBe(0);

    // The state of the one survives a change of the other.
    model.disableAdapter();
    model.unmerge();
    await model.merge();
    expect(distance(await now(), base)).toBe(0);
    model.enableAdapter();
    expect(distance(await now(), merged)).toBe(0);
    model.unmerge();
    expect(distance(await now(), before)).toBe(0);
  });
});
