import { createHash } from 'node:crypto';

/** A stream's position, plain JSON: what a training checkpoint keeps. */
export interface RandomState {
  /** The four state words of xoshiro128**, each an unsigned 32-bit integer, not all zero. */
  readonly words: readonly [number, number, number, number];
  /** The second value of the last pair of normals, if it has not been handed out yet. */
  readonly spareNormal: number | null;
}

/** Anything with numbered places: arrays and typed arrays. */
interface Places<T> {
  readonly length: number;
  [index: number]: T;
}

const TWO_32 = 2 ** 32;

/**
 * A named stream of pseudo-random numbers. Streams of one seed with different names are independent, so drawing
 * more from one ("dropout") never moves another ("order").
 *
 * Generator: xoshiro128** 1.1 (Blackman and Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS 47(4),
 * 2021; https://prng.di.unimi.it). Its 128-bit state starts as the first half of the SHA-256 of seed and names: two
 * streams of a run meeting is then a matter of chance over 2^128 places, for any choice of seeds and names.
 * Not for secrets.
 */
export class RandomStream {
  // Signed: small integers to V8, where unsigned words are boxed.
  #s0: number;
  #s1: number;
  #s2: number;
  #s3: number;
  #spare: number | null;

  private constructor(state: RandomState) {
    [this.#s0, this.#s1, this.#s2, this.#s3] = state.words.map((word) => word | 0) as [
      number,
      number,
      number,
      number,
    ];
    this.#spare = state.spareNormal;
  }

  /**
   * The stream that `seed` and the path of `names` decide: `RandomStream.from(42, 'init', 'psoft')`.
   * ('a', 'b') and ('ab') are different streams.
   * @throws RangeError unless seed is an integer from 0 to 2^53 - 1.
   */
  static from(seed: number, ...names: readonly string[]): RandomStream {
    if (!Number.isSafeInteger(seed) || seed < 0) {
      throw new RangeError(`random seed must be an integer from 0 to 2^53 - 1, got ${seed}`);
    }
    // JSON keeps the borders between the names, and writes -0 as 0.
    const digest = createHash('sha256')
      .update(JSON.stringify([seed, ...names]))
      .digest();
    const word = (index: number) => digest.readUInt32LE(4 * index);
    return RandomStream.restore({ words: [word(0), word(1), word(2), word(3)], spareNormal: null });
  }

  /**
   * The stream that goes on where `state` was taken.
   * @throws RangeError if the state is not one that {@link state} returns.
   */
  static restore(state: RandomState): RandomStream {
    const { words, spareNormal } = state;
    const isWord = (word: unknown) => Number.isInteger(word) && Number(word) >= 0 && Number(word) < TWO_32;
    if (!Array.isArray(words) || words.length !== 4 || !words.every(isWord) || words.every((w) => w === 0)) {
      const seen = JSON.stringify(words);
      throw new RangeError(`random state must be four unsigned 32-bit words, not all zero, got ${seen}`);
    }
    if (spareNormal !== null && !Number.isFinite(spareNormal)) {
      throw new RangeError(`random state's spareNormal must be a finite number or null, got ${spareNormal}`);
    }
    return new RandomStream(state);
  }

  /** Where the stream stands now. */
  state(): RandomState {
    return {
      words: [this.#s0 >>> 0, this.#s1 >>> 0, this.#s2 >>> 0, this.#s3 >>> 0],
      spareNormal: this.#spare,
    };
  }

  /** An integer from 0 to 2^32 - 1. */
  uint32(): number {
    const result = Math.imul(rotateLeft(Math.imul(this.#s1, 5), 7), 9) >>> 0;
    const shifted = this.#s1 << 9;
    this.#s2 ^= this.#s0;
    this.#s3 ^= this.#s1;
    this.#s1 ^= this.#s2;
    this.#s0 ^= this.#s3;
    this.#s2 ^= shifted;
    this.#s3 = rotateLeft(this.#s3, 11);
    return result;
  }

  /** A multiple of 2^-53 in [0, 1). Takes two outputs of the generator. */
  uniform(): number {
    const high = this.uint32() >>> 5;
    const low = this.uint32() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  /** A standard normal number, by Marsaglia's polar method (SIAM Review 6(3), 1964). */
  normal(): number {
    if (this.#spare !== null) {
      const spare = this.#spare;
      this.#spare = null;
      return spare;
    }
    for (;;) {
      const x = 2 * this.uniform() - 1;
      const y = 2 * this.uniform() - 1;
      const square = x * x + y * y;
      if (square > 0 && square < 1) {
        const factor = Math.sqrt((-2 * Math.log(square)) / square);
        this.#spare = y * factor;
        return x * factor;
      }
    }
  }

  /**
   * An integer from 0 to below - 1, each equally likely: outputs in the incomplete last multiple are drawn again.
   * @throws RangeError unless below is an integer from 1 to 2^32.
   */
  integer(below: number): number {
    if (!Number.isInteger(below) || below < 1 || below > TWO_32) {
      throw new RangeError(`random integer needs a bound from 1 to 2^32, got ${below}`);
    }
    const limit = TWO_32 - (TWO_32 % below);
    for (;;) {
      const value = this.uint32();
      if (value < limit) return value % below;
    }
  }

  /** Puts the elements in random order, in place (Fisher-Yates), and returns the same array. */
  shuffle<A extends Places<unknown>>(array: A): A {
    for (let i = array.length - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      const kept = array[i];
      array[i] = array[j];
      array[j] = kept;
    }
    return array;
  }

  /** The integers 0 to count - 1 in random order. */
  permutation(count: number): Int32Array {
    return this.shuffle(Int32Array.from({ length: count }, (_, i) => i));
  }
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
