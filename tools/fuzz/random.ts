/** A small seeded stream (mulberry32): the same seed gives the same inputs on every machine. */
export class Random {
  #state: number;

  /** @param parts numbers and names, mixed into one seed */
  constructor(...parts: readonly (string | number)[]) {
    this.#state = 0x9e3779b9;
    for (const letter of parts.join('\n')) {
      this.#state = Math.imul(this.#state ^ letter.codePointAt(0)!, 0x01000193);
    }
  }

  /** At least 0 and below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let value = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  }

  /** From 0 to `below` - 1; 0 for none. */
  int(below: number): number {
    return Math.floor(this.next() * below);
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.int(list.length)]!;
  }
}
