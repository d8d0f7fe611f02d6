/**
 * The two 16-bit float formats of checkpoints. Both directions work on bits, so that NaN payloads survive: a NaN
 * that passes through a JavaScript number may come back changed.
 */

let widened: Uint32Array | undefined;

/** The float32 bits of an IEEE 754 binary16 pattern. Exact: every half is a float32. */
export function f16ToF32Bits(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >>> 10) & 0x1f;
  const mantissa = half & 0x3ff;
  if (exponent === 0x1f) return (sign | 0x7f800000 | (mantissa << 13)) >>> 0;
  if (exponent !== 0) return (sign | ((exponent + 112) << 23) | (mantissa << 13)) >>> 0;
  if (mantissa === 0) return sign >>> 0;
  // Subnormal, mantissa * 2^-24: its leading bit, at 31 - clz32, becomes the implicit one of a normal float32.
  const shift = Math.clz32(mantissa) - 8;
  return (sign | ((126 - shift) << 23) | ((mantissa << shift) & 0x7fffff)) >>> 0;
}

/** The binary16 pattern nearest to a float32, ties to even; beyond 65,520 infinity. */
export function f32BitsToF16(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7c00 | ((magnitude >>> 13) & 0x3ff || 0x200);
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude >= 0x38800000) {
    const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
    return sign | ((rounded - 0x38000000) >>> 13);
  }
  if (magnitude < 0x33000000) return sign;
  // Subnormal half: the significand in steps of 2^-24. A carry out of the mantissa makes the smallest normal half.
  const significand = (magnitude & 0x7fffff) | 0x800000;
  const shift = 126 - (magnitude >>> 23);
  const kept = significand >>> shift;
  const rest = significand & ((1 << shift) - 1);
  const tie = 1 << (shift - 1);
  return sign | (kept + (rest > tie || (rest === tie && (kept & 1) === 1) ? 1 : 0));
}

/** The bfloat16 pattern nearest to a float32, ties to even. */
export function f32BitsToBf16(bits: number): number {
  const isNan = (bits & 0x7fffffff) > 0x7f800000;
  // A NaN whose payload lies in the lower half would become infinity.
  if (isNan) return (bits >>> 16) & 0x7f ? bits >>> 16 : (bits >>> 16) | 0x40;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

/** Half patterns as float32, exactly. */
export function widenF16(source: Uint16Array): Float32Array {
  widened ??= Uint32Array.from({ length: 0x10000 }, (_, half) => f16ToF32Bits(half));
  const bits = new Uint32Array(source.length);
  for (let i = 0; i < source.length; i++) bits[i] = widened[source[i]!]!;
  return new Float32Array(bits.buffer);
}

/** bfloat16 patterns as float32, exactly: a bfloat16 is the upper half of a float32. */
export function widenBf16(source: Uint16Array): Float32Array {
  const bits = new Uint32Array(source.length);
  for (let i = 0; i < source.length; i++) bits[i] = source[i]! << 16;
  return new Float32Array(bits.buffer);
}

/** float32 as half patterns, rounded to nearest, ties to even. */
export function narrowF16(source: Float32Array): Uint16Array {
  return narrow(source, f32BitsToF16);
}

/** float32 as bfloat16 patterns, rounded to nearest, ties to even. */
export function narrowBf16(source: Float32Array): Uint16Array {
  return narrow(source, f32BitsToBf16);
}

function narrow(source: Float32Array, convert: (bits: number) => number): Uint16Array {
  const bits = new Uint32Array(source.buffer, source.byteOffset, source.length);
  const result = new Uint16Array(source.length);
  for (let i = 0; i < bits.length; i++) result[i] = convert(bits[i]!);
  return result;
}
