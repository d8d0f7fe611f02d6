import { type Tensor, tf, useBackend } from '@psoft/engine';
import { beforeAll, describe, expect, it } from 'vitest';
import { fixture } from '../../test/fixture.ts';
import type { RelativeAttention } from './config.ts';
import { bucketOf, byKey, distanceRows, rowsByDistance } from './positions.ts';

beforeAll(() => useBackend('eager-cpu'));

describe('bucketOf', () => {
  it.each(fixture.buckets)('agrees with transformers: $buckets buckets, maximum $max', (one) => {
    const { buckets, max, expected } = one;
    expect(expected.map((_, distance) => bucketOf(distance, buckets, max))).toEqual(expected);
    expect(expected.map((_, distance) => 0 - bucketOf(-distance, buckets, max))).toEqual(expected);
  });
});

const relative = (buckets: number, maxDistance: number): RelativeAttention => ({
  contentToPosition: true,
  positionToContent: true,
  buckets,
  maxDistance,
  span: buckets > 0 ? buckets : maxDistance,
  sharedProjections: true,
  normalised: false,
});

describe('distanceRows', () => {
  it('is one run of rows up to half the buckets', () => {
    expect(distanceRows(relative(256, 512), 64)).toEqual({ first: 256 - 64, count: 128 });
    expect(distanceRows(relative(256, 512), 128)).toEqual({ first: 128, count: 256 });
  });

  it('stays inside the table when distances exceed it', () => {
    const { first, count, places } = distanceRows(relative(0, 3), 5);
    expect({ first, count }).toEqual({ first: 0, count: 6 });
    expect([...places!]).toEqual([0, 0, 0, 1, 2, 3, 4, 5, 5, 5]);
  });

  it('needs fewer rows than distances where buckets are wide', () => {
    const { count, places } = distanceRows(relative(256, 512), 512);
    expect(places).toHaveLength(1024);
    expect(count).toBe(512);
  });
});

describe('byKey of scores by distance', () => {
  it.each([1, 2, 5])('puts distance i - j at [i, j], length %i', (length) => {
    const distances = tf.range(-length, length);
    const each = (order: Tensor) => tf.tile(tf.reshape(order, [1, 1, 2 * length]), [3, length, 1]);
    const rows = rowsByDistance(distanceRows(relative(0, 9), length));
    const column = (x: Tensor) => tf.reshape(x, [2 * length, 1]);
    const ascending = byKey(each(rows.ascending(column(distances))), length);
    const descending = byKey(each(rows.descending(column(distances))), length - 1);
    const plane = Array.from({ length }, (_, i) => Array.from({ length }, (_, j) => i - j));
    const expected = tf.tensor([plane, plane, plane]);
    expect(descending.arraySync()).toEqual(expected.arraySync());
    expect(tf.transpose(ascending, [0, 2, 1]).arraySync()).toEqual(expected.arraySync());
  });
});
