/**
 * Shapes of JSON values, stated once: a shape is a TypeScript type ({@link Infer}), a check with one-line errors and
 * a JSON Schema (draft 2020-12). Objects are closed: a key that no shape names is an error, so typos do not pass.
 */

export interface Shape<T> {
  readonly jsonSchema: Readonly<Record<string, unknown>>;
  /** The first thing wrong with `value`, with its path ("runInfo.seed: expected ..., got ..."), or undefined. */
  check(value: unknown, path: string): string | undefined;
  /** Carries the type; holds no value. */
  readonly type?: T;
}

/** An object's field that may be left out. Absent means unknown or not applicable; there is no stand-in value. */
export interface OptionalShape<T> extends Shape<T> {
  readonly isOptional: true;
}

export type Infer<S> = S extends Shape<infer T> ? T : never;

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

type Fields = Readonly<Record<string, Shape<unknown>>>;
type OptionalKeys<F> = { [K in keyof F]: F[K] extends OptionalShape<unknown> ? K : never }[keyof F];
type Flatten<T> = { [K in keyof T]: T[K] };
type ObjectOf<F> = Flatten<
  { readonly [K in Exclude<keyof F, OptionalKeys<F>>]: Infer<F[K]> } & {
    readonly [K in OptionalKeys<F>]?: Infer<F[K]>;
  }
>;

const at = (path: string, key: string) => (path === '' ? key : `${path}.${key}`);
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A value as it reads in an error: short, and with its type visible. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (['number', 'bigint', 'function', 'symbol'].includes(typeof value)) return String(value);
  const text = jsonOf(value) ?? typeof value;
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    // Nested deeper than the stack.
    return 'a deeply nested value';
  }
}

const LONGEST_MESSAGE = 1000;

/** A message on one line, whatever it quotes: control characters are written out, what is too long loses its middle. */
export function oneLine(message: string): string {
  const line = message
    .replace(/\s*[\n\r\u2028\u2029]\s*/g, ' ')
    .replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, (one) => JSON.stringify(one).slice(1, -1));
  if (line.length <= LONGEST_MESSAGE) return line;
  return `${line.slice(0, 0.7 * LONGEST_MESSAGE)} ... ${line.slice(-0.25 * LONGEST_MESSAGE)}`;
}

function leaf<T>(
  expected: string,
  jsonSchema: Record<string, unknown>,
  accepts: (value: unknown) => boolean,
): Shape<T> {
  return {
    jsonSchema,
    check: (value, path) =>
      accepts(value) ? undefined : `${path || 'record'}: expected ${expected}, got ${show(value)}`,
  };
}

export function text(pattern?: RegExp, expected = 'a non-empty text'): Shape<string> {
  return leaf(
    expected,
    { type: 'string', ...(pattern === undefined ? { minLength: 1 } : { pattern: pattern.source }) },
    (value) => typeof value === 'string' && (pattern === undefined ? value !== '' : pattern.test(value)),
  );
}

/** One of a few texts. */
export function oneOf<const T extends readonly string[]>(...values: T): Shape<T[number]> {
  return leaf(`one of ${values.join(', ')}`, { enum: values }, (value) => values.includes(value as string));
}

/** A whole number of at least `minimum`. */
export function integer(minimum = 0): Shape<number> {
  return leaf(
    `a whole number of at least ${minimum}`,
    { type: 'integer', minimum, maximum: Number.MAX_SAFE_INTEGER },
    (value) => Number.isSafeInteger(value) && (value as number) >= minimum,
  );
}

/** A finite number of at least `minimum`, or any finite number. */
export function number(minimum?: number): Shape<number> {
  return leaf(
    minimum === undefined ? 'a finite number' : `a number of at least ${minimum}`,
    { type: 'number', ...(minimum === undefined ? {} : { minimum }) },
    (value) => Number.isFinite(value) && (minimum === undefined || (value as number) >= minimum),
  );
}

export function boolean(): Shape<boolean> {
  return leaf('true or false', { type: 'boolean' }, (value) => typeof value === 'boolean');
}

export function constant<const T extends number | string>(value: T): Shape<T> {
  return leaf(show(value), { const: value }, (seen) => seen === value);
}

/** Any JSON value; numbers are finite and no key holds `undefined`, so what is written is what is read. */
function json(): Shape<Json> {
  const check = (value: unknown, path: string): string | undefined => {
    if (Array.isArray(value)) return first(value.map((one, index) => check(one, `${path}[${index}]`)));
    if (isObject(value)) return first(Object.entries(value).map(([key, one]) => check(one, at(path, key))));
    const isJson =
      value === null || ['string', 'boolean'].includes(typeof value) || Number.isFinite(value as number);
    return isJson ? undefined : `${path}: expected a JSON value, got ${show(value)}`;
  };
  return { jsonSchema: {}, check };
}

/** An object with keys of its own choosing. */
export function map<T>(values: Shape<T>): Shape<Readonly<Record<string, T>>> {
  return {
    jsonSchema: { type: 'object', additionalProperties: values.jsonSchema },
    check: (value, path) =>
      isObject(value)
        ? first(Object.entries(value).map(([key, one]) => values.check(one, at(path, key))))
        : `${path}: expected an object, got ${show(value)}`,
  };
}

/** A configuration with its defaults filled in: any JSON object. */
export function settings(): Shape<Readonly<Record<string, Json>>> {
  return map(json());
}

export function list<T>(items: Shape<T>, minimum = 0): Shape<readonly T[]> {
  return {
    jsonSchema: { type: 'array', items: items.jsonSchema, ...(minimum > 0 ? { minItems: minimum } : {}) },
    check: (value, path) => {
      if (!Array.isArray(value)) return `${path}: expected a list, got ${show(value)}`;
      if (value.length < minimum) return `${path}: expected at least ${minimum} entries, got ${value.length}`;
      return first(value.map((one, index) => items.check(one, `${path}[${index}]`)));
    },
  };
}

export function object<const F extends Fields>(fields: F): Shape<ObjectOf<F>> {
  const required = Object.keys(fields).filter((key) => !('isOptional' in fields[key]!));
  return {
    jsonSchema: {
      type: 'object',
      properties: Object.fromEntries(
        Object.entries(fields).map(([key, { jsonSchema }]) => [key, jsonSchema]),
      ),
      required,
      additionalProperties: false,
    },
    check: (value, path) => {
      if (!isObject(value)) return `${path || 'record'}: expected an object, got ${show(value)}`;
      for (const [key, shape] of Object.entries(fields)) {
        if (Object.hasOwn(value, key)) {
          const problem = shape.check(value[key], at(path, key));
          if (problem !== undefined) return problem;
        } else if (required.includes(key)) return `${at(path, key)}: missing`;
      }
      const unknown = Object.keys(value).find((key) => !Object.hasOwn(fields, key));
      return unknown === undefined
        ? undefined
        : `${at(path, unknown)}: unknown key; known: ${Object.keys(fields).join(', ')}`;
    },
  };
}

export function optional<T>(shape: Shape<T>): OptionalShape<T> {
  return { ...shape, isOptional: true };
}

/** The same shape with a sentence for readers of the JSON Schema. */
export function described<T, S extends Shape<T>>(description: string, shape: S): S {
  return { ...shape, jsonSchema: { description, ...shape.jsonSchema } };
}

function first(problems: readonly (string | undefined)[]): string | undefined {
  return problems.find((problem) => problem !== undefined);
}
