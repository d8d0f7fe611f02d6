/** Fields of records by dotted paths, whole ("trainInfo.test.accuracy") or short ("accuracy", "method", "r"). */
import { RecordError } from '../schema.ts';
import type { Ledger, View } from './ledger.ts';

/** Where a short path is looked for, in this order. */
const PLACES = [
  '',
  'runInfo',
  'trainInfo',
  'metaInfo',
  'trainInfo.test',
  'trainInfo.parameters',
  'runInfo.trainConfig',
  'runInfo.adapterConfig',
  'runInfo.evaluationConfig',
  'metaInfo.systemInfo',
  'values',
];

/** What a view has beside its record. */
const COMPUTED = ['file', 'name', 'hash', 'score', 'metric'];

export interface Field {
  /** As it was asked for. */
  readonly name: string;
  /** From the root of the view. */
  readonly path: string;
  /** undefined where the record lacks it. */
  of(view: View): unknown;
}

/**
 * The field of a name: the same place for all records, whether or not a record has it.
 * @throws RecordError, with names that are near, when neither the schema nor any record knows it
 */
export function findField(
  name: string,
  { entries, jsonSchema }: Pick<Ledger, 'entries' | 'jsonSchema'>,
): Field {
  for (const place of PLACES) {
    const keys = [...(place === '' ? [] : place.split('.')), ...name.split('.')];
    const isKnown =
      (place === '' && COMPUTED.includes(name)) ||
      schemaHas(jsonSchema, keys) ||
      entries.some(({ view }) => valueAt(view, keys) !== undefined);
    if (isKnown) return { name, path: keys.join('.'), of: (view) => valueAt(view, keys) };
  }
  const paths = new Set(entries.flatMap(({ view }) => pathsOf(view)));
  const near = [...paths].filter((path) => isNear(path, name)).slice(0, 5);
  throw new RecordError(
    `no record has a field "${name}"${near.length > 0 ? `; did you mean ${near.join(' or ')}?` : ': see psoft runs show for those that there are'}`,
  );
}

/** A value by its keys; lists take whole numbers, from the end if negative. A key of a record may itself hold dots. */
export function valueAt(node: unknown, keys: readonly string[]): unknown {
  if (keys.length === 0) return node;
  if (Array.isArray(node))
    return /^-?\d+$/.test(keys[0]!) ? valueAt(node.at(Number(keys[0])), keys.slice(1)) : undefined;
  if (typeof node !== 'object' || node === null) return undefined;
  for (let length = 1; length <= keys.length; length++) {
    const key = keys.slice(0, length).join('.');
    if (!Object.hasOwn(node, key)) continue;
    const found = valueAt((node as Record<string, unknown>)[key], keys.slice(length));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Whether the schema names the field. A map takes any key, so only records can tell which there are. */
function schemaHas(schema: unknown, keys: readonly string[]): boolean {
  if (keys.length === 0) return true;
  const { properties, items } = schema as { properties?: Record<string, unknown>; items?: unknown };
  if (items !== undefined) return /^-?\d+$/.test(keys[0]!) && schemaHas(items, keys.slice(1));
  return properties !== undefined && Object.hasOwn(properties, keys[0]!)
    ? schemaHas(properties[keys[0]!], keys.slice(1))
    : false;
}

/** Paths of all values that are no objects. */
function pathsOf(view: View): string[] {
  return Object.entries(view).flatMap(([key, value]) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? pathsOf(value as View).map((path) => `${key}.${path}`)
      : [key],
  );
}

/** Holds the name, or differs from the name's last part by two letters at most. */
function isNear(path: string, name: string): boolean {
  const [end, asked] = [path.split('.').at(-1)!.toLowerCase(), name.split('.').at(-1)!.toLowerCase()];
  return path.toLowerCase().includes(name.toLowerCase()) || distance(end, asked) <= 2;
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}
