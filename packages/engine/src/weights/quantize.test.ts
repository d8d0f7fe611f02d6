import { describe, expect, it } from 'vitest';
import { RandomStream } from '../random.ts';
import { widenF16 } from './half.ts';
import { BLOCK_SIZES, dequantizeBlocks, quantizeBlocks, type ScaleDtype } from './quantize.ts';

/** Four blocks: values around 0, all positive, all negative, and zeros. */
function sample(blockSize: number, seed: number): Float32Array {
  const rng = RandomStream.from(seed, 'quantise');
  return Float32Array.from({ length: 4 * blockSize }, (_, i) => {
    const block = Math.floor(i / blockSize);
    return [rng.normal(), 1 + rng.uniform(), -3 - rng.uniform(), 0][block]! * 0.05;
  });
}

const nibble = (bytes: Uint8Array, i: number) =>
  Math.floor(bytes[Math.floor(i / 2)]! / (i % 2 ? 16 : 1)) % 16;

describe.each(
  BLOCK_SIZES.flatMap((size) => (['F16', 'F32'] as const).map((dtype) => [size, dtype] as const)),
)('blocks of %d, scales in %s', (blockSize, dtype: ScaleDtype) => {
  const values = sample(blockSize, blockSize);
  const { packed, scales, zeroPoints } = quantizeBlocks(values, blockSize, dtype);
  const read = scales instanceof Uint16Array ? widenF16(scales) : scales;
  const stored = dequantizeBlocks(packed, read, zeroPoints, blockSize);

  it('stand for (q - z) scale', () => {
    stored.forEach((value, i) => {
      const block = Math.floor(i / blockSize);
      const levels = nibble(packed, i) - nibble(zeroPoints, block);
      expect(value).toBe(levels === 0 ? 0 : Math.fround(levels * read[block]!));
    });
  });

  it('take of a block’s 16 levels the nearest to each value', () => {
    values.forEach((value, i) => {
      const block = Math.floor(i / blockSize);
      const levels = Array.from({ length: 16 }, (_, q) => (q - nibble(zeroPoints, block)) * read[block]!);
      const least = Math.min(...levels.map((level) => Math.abs(level - value)));
      expect(Math.abs(stored[i]! - value)).toBeLessThan(least + 1e-6 * Math.abs(value) + 1e-12);
    });
  });

  it('span each block: no value is further off than a step, and 0 stays 0', () => {
    for (let block = 0; block < 4; block++) {
      const own = [0, ...values.subarray(block * blockSize, (block + 1) * blockSize)];
      const step = (Math.max(...own) - Math.min(...own)) / 15;
      expect(Math.abs(read[block]! - step)).toBeLessThanOrEqual(
        step * (dtype === 'F16' ? 2 ** -11 : 2 ** -24),
      );
    }
    values.forEach((value, i) => {
      const step = read[Math.floor(i / blockSize)]!;
      expect(Math.abs(stored[i]! - value)).toBeLessThanOrEqual(step * 1.01);
    });
    expect([...stored.subarray(3 * blockSize)].every((value) => Object.is(value, 0))).toBe(true);
  });

  it('come back as they are when quantised again', () => {
    const again = quantizeBlocks(stored, blockSize, 'F32');
    const twice = dequantizeBlocks(again.packed, again.scales as Float32Array, again.zeroPoints, blockSize);
    twice.forEach((value, i) => {
      expect(Math.abs(value - stored[i]!)).toBeLessThanOrEqual(1e-6 * Math.abs(stored[i]!));
    });
  });
});

describe('values that cannot be quantised', () => {
  const with_ = (value: number) => Float32Array.from({ length: 64 }, (_, i) => (i === 40 ? value : 0.5));
  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('%d', (value) => {
    expect(() => quantizeBlocks(with_(value), 32, 'F32')).toThrow(
      `value 40 is ${value}: the weight is broken`,
    );
  });
  it('too far apart for F16, and not for F32', () => {
    expect(() => quantizeBlocks(with_(2e6), 32, 'F16')).toThrow('values from 32 on are too far apart');
    const { scales } = quantizeBlocks(with_(2e6), 32, 'F32');
    expect(scales[1]).toBe(Math.fround(2e6 / 15));
  });
});
