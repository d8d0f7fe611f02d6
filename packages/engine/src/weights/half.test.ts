import { describe, expect, it } from 'vitest';
import narrowing from '../../test/fixtures/weights/narrowing.json' with { type: 'json' };
import { bitsOf } from '../../test/weightFiles.ts';
import { narrowBf16, narrowF16, widenBf16, widenF16 } from './half.ts';

const everyPattern = Uint16Array.from({ length: 0x10000 }, (_, i) => i);
const fromBits = (bits: readonly number[]) => new Float32Array(Uint32Array.from(bits).buffer);

/** IEEE 754 binary16 by its definition. */
function half(pattern: number): number {
  const sign = pattern & 0x8000 ? -1 : 1;
  const exponent = (pattern >> 10) & 0x1f;
  const mantissa = pattern & 0x3ff;
  if (exponent === 31) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * mantissa * 2 ** -24 : sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}

describe('widening', () => {
  it('gives every half its value', () => {
    const values = widenF16(everyPattern);
    expect([...everyPattern].filter((pattern) => !Object.is(values[pattern], half(pattern)))).toEqual([]);
  });

  it('puts every bfloat16 into the upper half of a float32', () => {
    const bits = bitsOf(widenBf16(everyPattern));
    expect([...everyPattern].filter((pattern) => bits[pattern] !== pattern * 0x10000)).toEqual([]);
  });
});

describe('narrowing', () => {
  it('takes every widened half back to its pattern, NaN payloads included', () => {
    const back = narrowF16(widenF16(everyPattern));
    expect([...everyPattern].filter((pattern) => back[pattern] !== pattern)).toEqual([]);
  });

  it('takes every widened bfloat16 back to its pattern, NaN payloads included', () => {
    const back = narrowBf16(widenBf16(everyPattern));
    expect([...everyPattern].filter((pattern) => back[pattern] !== pattern)).toEqual([]);
  });

  it('rounds as NumPy and torch do', () => {
    expect(narrowing.f32.length).toBeGreaterThan(3900);
    const values = fromBits(narrowing.f32);
    expect([...narrowF16(values)]).toEqual(narrowing.f16);
    expect([...narrowBf16(values)]).toEqual(narrowing.bf16);
  });

  it.each([0, 0x8000])('rounds each midpoint of neighbouring halves to the even one (sign %i)', (sign) => {
    const wrong: number[] = [];
    for (let lower = 0; lower < 0x7bff; lower++) {
      const middle = (half(lower) + half(lower + 1)) / 2;
      const [bits] = bitsOf(Float32Array.of(middle)) as [number];
      const around = fromBits([bits - 1, bits, bits + 1].map((b) => (b | (sign << 16)) >>> 0));
      const even = lower + (lower & 1);
      const [below, tie, above] = narrowF16(around);
      const isRight = below === (lower | sign) && tie === (even | sign) && above === ((lower + 1) | sign);
      if (!isRight) wrong.push(lower);
    }
    expect(wrong).toEqual([]);
  });

  it('goes to infinity from the midpoint above the largest half', () => {
    expect([...narrowF16(Float32Array.of(65519.996, 65520, -65520, 3e38))]).toEqual([
      0x7bff, 0x7c00, 0xfc00, 0x7c00,
    ]);
  });

  it('keeps NaN a NaN whose payload lies in the bits that fall away', () => {
    const values = fromBits([0x7f800001, 0xff800001]);
    expect([...narrowF16(values)]).toEqual([0x7e00, 0xfe00]);
    expect([...narrowBf16(values)]).toEqual([0x7fc0, 0xffc0]);
  });
});
