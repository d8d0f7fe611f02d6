/** Settings as tables: a field says its default and what it takes; unknown and impossible ones are errors. */
import { AdapterConfigError, shown } from './errors.ts';
import { suggestion } from './nearest.ts';

export interface Field<T> {
  readonly initial: T;
  /** "a positive integer": completes "must be". */
  readonly expects: string;
  accepts(value: unknown): boolean;
}

export type Fields = Readonly<Record<string, Field<unknown>>>;
export type Values<F extends Fields> = {
  readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never;
};
export type Options<F extends Fields> = { readonly [K in keyof F]?: Values<F>[K] | undefined };

export const isStringList = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'string' && one.length > 0);

const isNonNegativeInteger = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;

export const flag = (initial: boolean): Field<boolean> => ({
  initial,
  expects: 'true or false',
  accepts: (value) => typeof value === 'boolean',
});

/** Ranks and counts of terms decide how much is built: a file must not ask for all there is. No model is so wide. */
const LARGEST = 2 ** 16;

export const positiveInteger = (initial: number): Field<number> => ({
  initial,
  expects: `a positive integer up to ${LARGEST}`,
  accepts: (value) => Number.isSafeInteger(value) && Number(value) > 0 && Number(value) <= LARGEST,
});

export const nonNegativeInteger = (initial: number): Field<number> => ({
  initial,
  expects: 'an integer of at least 0',
  accepts: isNonNegativeInteger,
});

export const number = (
  initial: number,
  expects: string,
  accepts: (value: number) => boolean,
): Field<number> => ({
  initial,
  expects,
  accepts: (value) => typeof value === 'number' && accepts(value),
});

export const choice = <T extends string>(initial: NoInfer<T>, options: readonly T[]): Field<T> => ({
  initial,
  expects: `one of ${options.join(', ')}`,
  accepts: (value) => options.includes(value as T),
});

/** A setting that may be left out, then undefined (null in files). */
export const optional = <T>(expects: string, accepts: (value: unknown) => boolean): Field<T | undefined> => ({
  initial: undefined,
  expects,
  accepts: (value) => value === undefined || accepts(value),
});

/** Settings that every method has, with PEFT's meaning. */
export const COMMON_FIELDS = {
  targetModules: optional<string | readonly string[]>(
    'a list of module names or suffixes, a regular expression, or "all-linear"',
    (value) => (typeof value === 'string' && value.length > 0) || (isStringList(value) && value.length > 0),
  ),
  excludeModules: optional<string | readonly string[]>(
    'a list of module names or suffixes, or a regular expression',
    (value) => (typeof value === 'string' && value.length > 0) || isStringList(value),
  ),
  layersToTransform: optional<number | readonly number[]>(
    'a layer index or a list of layer indices',
    (value) => isNonNegativeInteger(value) || (Array.isArray(value) && value.every(isNonNegativeInteger)),
  ),
  layersPattern: optional<string | readonly string[]>(
    'the name of the list of layers, or several',
    (value) => typeof value === 'string' || isStringList(value),
  ),
  modulesToSave: optional<readonly string[]>('a list of module names', isStringList),
  taskType: optional<string>('a task name such as SEQ_CLS', (value) => typeof value === 'string'),
  baseModelNameOrPath: optional<string>('a name or path', (value) => typeof value === 'string'),
  revision: optional<string>('a revision', (value) => typeof value === 'string'),
} as const satisfies Fields;

/** false starts from random values in place of the base model: for tests, as in PEFT. */
export const INIT_WEIGHTS = { initWeights: flag(true) } as const satisfies Fields;

/** Positive and finite: the alpha of a method. */
export const scale = (initial: number): Field<number> =>
  number(initial, 'a positive number', (value) => Number.isFinite(value) && value > 0);

/** Probability of dropping. */
export const dropoutRate = (): Field<number> =>
  number(0, 'at least 0 and below 1', (value) => value >= 0 && value < 1);

/**
 * The settings that `options` and the defaults decide.
 * @throws AdapterConfigError for an unknown name or a value that the field does not take
 */
export function readFields<F extends Fields>(
  method: string,
  fields: F,
  options: Readonly<Record<string, unknown>>,
): Values<F> {
  for (const key of Object.keys(options))
    if (!Object.hasOwn(fields, key))
      throw new AdapterConfigError(
        `${method}: unknown setting "${key}"${suggestion(key, Object.keys(fields))}`,
      );
  const values: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(fields)) {
    const value = options[key] ?? field.initial;
    if (!field.accepts(value))
      throw new AdapterConfigError(`${method}: ${key} must be ${field.expects}, got ${shown(value)}`);
    values[key] = Array.isArray(value) ? Object.freeze([...value]) : value;
  }
  return values as Values<F>;
}
