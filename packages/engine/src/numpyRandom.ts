/**
 * NumPy's legacy generator, for splits that published code draws from it. NumPy promises that this stream never
 * changes (NEP 19). New code uses {@link RandomStream}.
 *
 * Generator: MT19937 with init_genrand (Matsumoto and Nishimura, "Mersenne Twister", ACM TOMACS 8(1), 1998).
 */
export class NumpyLegacyRandom {
  readonly #key = new Uint32Array(WORDS);
  #position = WORDS;

  /**
   * The same stream as `numpy.random.RandomState(seed)`, or the global one after `numpy.random.seed(seed)`.
   * @throws RangeError unless seed is an integer from 0 to 2^32 - 1 (NumPy refuses others too).
   */
  constructor(seed: number) {
    if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32) {
      throw new RangeError(`NumPy seed must be an integer from 0 to 2^32 - 1, got ${seed}`);
    }
    this.#key[0] = seed;
    for (let i = 1; i < WORDS; i++) {
      const last = this.#key[i - 1]!;
      this.#key[i] = Math.imul(1812433253, last ^ (last >>> 30)) + i;
    }
  }

  /** An integer from 0 to 2^32 - 1. */
  uint32(): number {
    if (this.#position === WORDS) this.#refill();
    let y = this.#key[this.#position++]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    y ^= y >>> 18;
    return y >>> 0;
  }

  /** `random_sample()`: a multiple of 2^-53 in [0, 1). */
  uniform(): number {
    const high = this.uint32() >>> 5;
    const low = this.uint32() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  /** `shuffle(array)` of a one-dimensional array: in place; returns the same array. */
  shuffle(array: Int32Array): Int32Array {
    for (let i = array.length - 1; i > 0; i--) {
      const j = this.#atMost(i);
      const kept = array[i]!;
      array[i] = array[j]!;
      array[j] = kept;
    }
    return array;
  }

  /** An integer from 0 to max, max > 0: the low bits that max needs, drawn again while above it. */
  #atMost(max: number): number {
    const mask = 0xffffffff >>> Math.clz32(max);
    for (;;) {
      const value = (this.uint32() & mask) >>> 0;
      if (value <= max) return value;
    }
  }

  #refill(): void {
    const key = this.#key;
    for (let i = 0; i < WORDS; i++) {
      const y = (key[i]! & 0x80000000) | (key[(i + 1) % WORDS]! & 0x7fffffff);
      key[i] = key[(i + SHIFT) % WORDS]! ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.#position = 0;
  }
}

const WORDS = 624;
const SHIFT = 397;

/**
 * The order that `numpy.random.RandomState(seed).shuffle(numpy.arange(count))` leaves.
 * @throws RangeError for a seed outside 0 to 2^32 - 1 or a count that is not an integer from 0 to 2^31 - 1.
 */
export function numpyLegacyShuffle(count: number, seed: number): Int32Array {
  if (!Number.isInteger(count) || count < 0 || count >= 2 ** 31) {
    throw new RangeError(`shuffle needs a count from 0 to 2^31 - 1, got ${count}`);
  }
  return new NumpyLegacyRandom(seed).shuffle(Int32Array.from({ length: count }, (_, i) => i));
}
