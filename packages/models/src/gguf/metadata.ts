/** The key-value part of a GGUF file, read with checks. */

import { LineError, shown } from '@psoft/engine/errors';

/** A GGUF file that is broken, or holds something that cannot be brought over. */
export class GgufError extends LineError {
  override readonly name = 'GgufError';
}

export class Metadata {
  constructor(private readonly values: Readonly<Record<string, unknown>>) {}

  has(key: string): boolean {
    return this.values[key] !== undefined;
  }

  /** @param fallback taken when the key is absent; without it the key is required */
  number(key: string, fallback?: number): number {
    const value = this.values[key] ?? fallback;
    const number = typeof value === 'bigint' ? Number(value) : value;
    if (typeof number !== 'number' || !Number.isFinite(number)) throw this.#refuse(key, 'a number');
    return shortest(number);
  }

  text(key: string, fallback?: string): string {
    const value = this.values[key] ?? fallback;
    if (typeof value !== 'string') throw this.#refuse(key, 'a text');
    return value;
  }

  boolean(key: string, fallback: boolean): boolean {
    const value = this.values[key] ?? fallback;
    if (typeof value !== 'boolean') throw this.#refuse(key, 'true or false');
    return value;
  }

  texts(key: string): readonly string[] {
    const value = this.values[key];
    if (!Array.isArray(value) || !value.every((one) => typeof one === 'string'))
      throw this.#refuse(key, 'a list of texts');
    return value;
  }

  numbers(key: string): readonly number[] {
    const value = this.values[key];
    if (!Array.isArray(value) || !value.every((one) => typeof one === 'number'))
      throw this.#refuse(key, 'a list of numbers');
    return value;
  }

  #refuse(key: string, wanted: string): GgufError {
    const value = this.values[key];
    const seen = value === undefined ? 'missing' : typeof value === 'bigint' ? String(value) : shown(value);
    return new GgufError(`GGUF metadata: ${key} is ${seen}, it must be ${wanted}`);
  }
}

/** The shortest decimal number of the same float32, where it is one: 0.00001 is stored as 0.000009999999747. */
function shortest(value: number): number {
  if (Math.fround(value) !== value) return value;
  for (let digits = 1; digits < 9; digits++) {
    const rounded = Number(value.toPrecision(digits));
    if (Math.fround(rounded) === value) return rounded;
  }
  return value;
}
