/**
 * NumPy's newer generator, `numpy.random.default_rng(seed)`, for splits that published code draws from it (Hugging
 * Face's `Dataset.train_test_split`). New code uses {@link RandomStream}.
 *
 * PCG64 is PCG XSL RR 128/64 (O'Neill 2014), seeded by NumPy's SeedSequence (NEP 19); shuffling masks and rejects, as
 * NumPy's Generator does since 1.17.
 */
const WORD = 0xffff_ffffn;
const LONG = (1n << 64n) - 1n;
const STATE = (1n << 128n) - 1n;
const MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;

class Pcg64 {
  #state: bigint;
  readonly #increment: bigint;
  /** The half of the last 64 bits that was not given out. */
  #half: number | undefined;

  constructor(seed: number) {
    const [a, b, c, d] = seedWords(seed, 8).reduce<bigint[]>((longs, word, i, words) => {
      // The lower half first.
      if (i % 2 === 1) longs.push((BigInt(word) << 32n) | BigInt(words[i - 1]!));
      return longs;
    }, []) as [bigint, bigint, bigint, bigint];
    this.#increment = ((((c << 64n) | d) << 1n) | 1n) & STATE;
    this.#state = 0n;
    this.#step();
    this.#state = (this.#state + ((a << 64n) | b)) & STATE;
    this.#step();
  }

  #step(): void {
    this.#state = (this.#state * MULTIPLIER + this.#increment) & STATE;
  }

  uint32(): number {
    if (this.#half !== undefined) {
      const half = this.#half;
      this.#half = undefined;
      return half;
    }
    this.#step();
    const folded = ((this.#state >> 64n) ^ this.#state) & LONG;
    const turn = this.#state >> 122n;
    const output = turn === 0n ? folded : ((folded >> turn) | (folded << (64n - turn))) & LONG;
    this.#half = Number(output >> 32n);
    return Number(output & WORD);
  }

  /** From 0 to `limit`, both included; limit from 1 to 2^32 - 1. */
  integer(limit: number): number {
    const mask = 0xffff_ffff >>> Math.clz32(limit);
    for (;;) {
      const value = (this.uint32() & mask) >>> 0;
      if (value <= limit) return value;
    }
  }
}

/** `SeedSequence(seed).generate_state(count)`: the mixing of a pool of four words. */
function seedWords(seed: number, count: number): number[] {
  let constant = 0x43b0d7e5;
  const hashed = (value: number): number => {
    const mixed = value ^ constant;
    constant = Math.imul(constant, 0x931e8875);
    const product = Math.imul(mixed, constant);
    return (product ^ (product >>> 16)) >>> 0;
  };
  const mix = (x: number, y: number): number => {
    const result = Math.imul(x, 0xca01f9dd) - Math.imul(y, 0x4973f715);
    return (result ^ (result >>> 16)) >>> 0;
  };
  const pool = [seed, 0, 0, 0].map(hashed);
  for (let from = 0; from < 4; from++)
    for (let to = 0; to < 4; to++) if (from !== to) pool[to] = mix(pool[to]!, hashed(pool[from]!));
  let outer = 0x8b51f9dd;
  return Array.from({ length: count }, (_, i) => {
    const value = pool[i % 4]! ^ outer;
    outer = Math.imul(outer, 0x58f38ded);
    const product = Math.imul(value, outer);
    return (product ^ (product >>> 16)) >>> 0;
  });
}

/**
 * `numpy.random.default_rng(seed).permutation(count)`.
 * @throws RangeError unless seed is an integer from 0 to 2^32 - 1 and count one from 0 to 2^31 - 1
 */
export function numpyPermutation(count: number, seed: number): Int32Array {
  if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32)
    throw new RangeError(`a seed must be an integer from 0 to 2^32 - 1, got ${seed}`);
  if (!Number.isInteger(count) || count < 0 || count >= 2 ** 31)
    throw new RangeError(`count must be an integer from 0 to 2^31 - 1, got ${count}`);
  const generator = new Pcg64(seed);
  const order = Int32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = generator.integer(i);
    const kept = order[i]!;
    order[i] = order[j]!;
    order[j] = kept;
  }
  return order;
}
