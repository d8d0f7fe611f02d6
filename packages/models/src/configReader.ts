/** Reads a parsed config.json field by field; what is wrong is said with the file's own key and value. */

import { LineError, shown } from '@psoft/engine/errors';

/** A checkpoint's config.json that is incomplete, malformed or asks for something that is not implemented. */
export class ModelConfigError extends LineError {
  override readonly name = 'ModelConfigError';
}

/** Of an image or a patch, in pixels. */
export interface Size {
  readonly height: number;
  readonly width: number;
}

/** Published models have up to 126. */
const MOST_LAYERS = 1000;

export class ConfigReader {
  readonly #raw: Readonly<Record<string, unknown>>;

  constructor(raw: Readonly<Record<string, unknown>>) {
    this.#raw = raw;
  }

  /** The value under `key`; null, which transformers writes for "not set", counts as absent. */
  get(key: string): unknown {
    return this.#raw[key] ?? undefined;
  }

  /** @param fallback taken when the key is absent; without it the key is required */
  integer(key: string, least: number, fallback?: number): number {
    const value = this.get(key) ?? fallback;
    if (value === undefined) throw new ModelConfigError(`config: ${key} is missing, it must be an integer`);
    if (!Number.isSafeInteger(value) || (value as number) < least)
      throw this.refuse(key, `an integer of at least ${least}`);
    return value as number;
  }

  /** How many layers: each is built, so that a number from anywhere must not decide how long that takes. */
  layers(key: string): number {
    const value = this.integer(key, 1);
    if (value > MOST_LAYERS) throw this.refuse(key, `at most ${MOST_LAYERS}`);
    return value;
  }

  positive(key: string, fallback: number): number {
    const value = this.get(key) ?? fallback;
    if (typeof value !== 'number' || !(value > 0 && value < Infinity))
      throw this.refuse(key, 'a number above 0');
    return value;
  }

  /** A dropout rate. */
  rate(key: string, fallback: number): number {
    const value = this.get(key) ?? fallback;
    if (typeof value !== 'number' || !(value >= 0 && value < 1))
      throw this.refuse(key, 'a rate of at least 0 and below 1');
    return value;
  }

  boolean(key: string, fallback: boolean): boolean {
    const value = this.get(key) ?? fallback;
    if (typeof value !== 'boolean') throw this.refuse(key, 'true or false');
    return value;
  }

  oneOf<Name extends string>(key: string, supported: readonly Name[], fallback: Name): Name {
    const value = this.get(key) ?? fallback;
    if (!supported.includes(value as Name)) throw this.refuse(key, supported.join(', '));
    return value as Name;
  }

  /** Names from a list or from a string like "p2c|c2p", in no order. */
  names<Name extends string>(key: string, supported: readonly Name[]): ReadonlySet<Name> {
    const value = this.get(key) ?? [];
    const list = typeof value === 'string' ? value.toLowerCase().split('|') : value;
    if (!Array.isArray(list)) throw this.refuse(key, supported.join(', '));
    if (!list.every((name) => typeof name === 'string')) throw this.refuse(key, supported.join(', '));
    const found = list.map((name) => name.trim()).filter((name) => name !== '');
    if (!found.every((name) => supported.includes(name as Name)))
      throw this.refuse(key, supported.join(', '));
    return new Set(found as Name[]);
  }

  /** Refuses a setting that is there and differs from the only value that is implemented. */
  only(key: string, supported: number): void {
    const value = this.get(key);
    if (value !== undefined && value !== supported) throw this.refuse(key, String(supported));
  }

  /** A size in pixels: one number for a square, or [height, width]. */
  size(key: string): Size {
    const value = this.get(key);
    if (value === undefined)
      throw new ModelConfigError(`config: ${key} is missing, it must be an integer or [height, width]`);
    const sides: unknown[] = Array.isArray(value) ? value : [value, value];
    if (sides.length !== 2 || !sides.every((side) => Number.isSafeInteger(side) && (side as number) > 0))
      throw this.refuse(key, 'an integer of at least 1, or [height, width] of such');
    const [height, width] = sides as [number, number];
    return { height, width };
  }

  /** transformers writes `id2label` for every model, and `num_labels` for none; people write both. */
  labelCount(): number {
    const names = this.get('id2label');
    if (names === undefined) return this.integer('num_labels', 1, 2);
    if (typeof names !== 'object' || names === null || Object.keys(names).length === 0)
      throw this.refuse('id2label', 'an object from label numbers to names');
    const count = Object.keys(names).length;
    if (this.get('num_labels') !== undefined && this.integer('num_labels', 1) !== count)
      throw new ModelConfigError(
        `config: num_labels is ${this.get('num_labels')}, but id2label names ${count} labels`,
      );
    return count;
  }

  refuse(key: string, supported: string): ModelConfigError {
    return new ModelConfigError(`config: ${key} is ${shown(this.#raw[key])}, supported: ${supported}`);
  }
}
