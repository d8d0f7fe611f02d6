/** Conditions on records: `method=psoft`, `seed=1,2`, `trainInfo.test.accuracy>80`, `variant=`, `model~deberta`. */
import { canonicalJson } from '../identity.ts';
import { RecordError } from '../schema.ts';
import { type Field, findField } from './field.ts';
import type { Entry, Ledger } from './ledger.ts';

const OPERATORS = ['!=', '>=', '<=', '=', '>', '<', '~'] as const;
type Operator = (typeof OPERATORS)[number];

export interface Condition {
  readonly text: string;
  readonly field: Field;
  takes(value: unknown): boolean;
}

/**
 * `<field><operator><value>`. `=` and `!=` take several values separated by commas, or none, which is that the field
 * is absent; `~` takes a regular expression. A value in JSON (`[64, 128]`, `"a,b"`, `{...}`) is one value.
 * @throws RecordError for an unknown field, no operator, or a value that the operator cannot take
 */
export function parseCondition(text: string, ledger: Pick<Ledger, 'entries' | 'jsonSchema'>): Condition {
  const [, name, operator, given] = /^(.*?)(!=|>=|<=|=|>|<|~)(.*)$/s.exec(text) ?? [];
  if (name === undefined || name.trim() === '')
    throw new RecordError(
      `"${text}" is no condition: write FIELD=VALUE, with one of ${OPERATORS.join(' ')}, for example seed=1,2`,
    );
  const field = findField(name.trim(), ledger);
  return { text, field, takes: testOf(operator as Operator, given!.trim(), text) };
}

/** The entries that all conditions take. */
export function filterEntries<R>(entries: readonly Entry<R>[], conditions: readonly Condition[]): Entry<R>[] {
  return entries.filter(({ view }) => conditions.every(({ field, takes }) => takes(field.of(view))));
}

function testOf(operator: Operator, given: string, text: string): (value: unknown) => boolean {
  switch (operator) {
    case '=':
      return equalTo(given);
    case '!=': {
      const isEqual = equalTo(given);
      return (value) => !isEqual(value);
    }
    case '~': {
      const pattern = regularExpression(given, text);
      return (value) => value !== undefined && pattern.test(asText(value));
    }
    default:
      if (given === '') throw new RecordError(`"${text}" has no value to compare with`);
      return ordered(operator, given, text);
  }
}

function equalTo(given: string): (value: unknown) => boolean {
  if (given === '') return (value) => value === undefined;
  const wanted = valuesOf(given);
  return (value) => value !== undefined && wanted.some((one) => isEqual(value, one));
}

/** Numbers by size, texts (times are) by their letters. */
function ordered(
  operator: '>' | '>=' | '<' | '<=',
  given: string,
  text: string,
): (value: unknown) => boolean {
  return (value) => {
    if (typeof value === 'number' && !isNumber(given))
      throw new RecordError(`"${text}": the field holds numbers, and "${given}" is none`);
    if (typeof value !== 'number' && typeof value !== 'string') return false;
    const [a, b] = typeof value === 'number' ? [value, Number(given)] : [value, given];
    if (operator === '>') return a > b;
    if (operator === '>=') return a >= b;
    if (operator === '<') return a < b;
    return a <= b;
  };
}

function valuesOf(given: string): string[] {
  return /^[[{"]/.test(given) ? [given] : given.split(',').map((one) => one.trim());
}

function isEqual(value: unknown, given: string): boolean {
  if (typeof value === 'number') return isNumber(given) && Number(given) === value;
  if (typeof value === 'string' && value === given) return true;
  try {
    return canonicalJson(JSON.parse(given)) === canonicalJson(value);
  } catch {
    return false;
  }
}

function isNumber(given: string): boolean {
  return given !== '' && Number.isFinite(Number(given));
}

function regularExpression(given: string, text: string): RegExp {
  try {
    return new RegExp(given, 'u');
  } catch (error) {
    throw new RecordError(`"${text}": ${(error as Error).message}`);
  }
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
