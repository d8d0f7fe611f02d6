/** Mutations of JSON texts by their structure, written so that what JSON allows and programs forget comes up. */
import type { Random } from '../random.ts';
import { mutateText } from './text.ts';

/** A value as it stands in the text: what JSON.stringify cannot write is possible, too. */
type Fragment = string;

const deep = (depth: number): Fragment => `${'['.repeat(depth)}${']'.repeat(depth)}`;
const deepObject = (depth: number): Fragment => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

const VALUES: readonly Fragment[] = [
  ...['null', 'true', 'false', '0', '1', '-1', '2', '0.5', '-0', '1e308', '1e999', '-1e999', '1e-320'],
  ...['2147483648', '4294967296', '9007199254740991', '9007199254740993', '1152921504606846976', '16777217'],
  ...['""', '" "', '"a"', '"__proto__"', '"constructor"', '"toString"', '"length"', '"1"', '"NaN"'],
  ...[
    '"../../outside"',
    '"/etc/passwd"',
    '"C:\\\\x"',
    '"a\\u0000b"',
    '"\\ud800"',
    '"\\u001b[31m\\n"',
    '"<script>"',
  ],
  ...['[]', '{}', '[null]', '[[]]', '[0]', '[1,2]', '[-1]', '{"a":1}', '{"0":0}', '{"length":5}'],
  ...[
    '{"__proto__":{"polluted":1}}',
    '{"constructor":{"prototype":{"polluted":1}}}',
    '{"toString":1}',
    '[{"toString":1}]',
  ],
  ...['{"then":1}', '{"toJSON":1}', '{"kind":"file"}', '{"valueOf":1,"toString":1}'],
];
const RARE: readonly (() => Fragment)[] = [
  () => deep(3000),
  () => deep(30_000),
  () => deepObject(20_000),
  () => `"${'x'.repeat(50_000)}"`,
  () => `[${'1,'.repeat(20_000)}1]`,
];
const KEYS = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'valueOf',
  'length',
  'hasOwnProperty',
  '',
  ' ',
  '0',
  'then',
];

interface Place {
  readonly holder: Record<string, unknown> | unknown[];
  readonly key: string | number;
}

function placesIn(value: unknown, found: Place[] = []): Place[] {
  if (typeof value !== 'object' || value === null) return found;
  for (const key of Array.isArray(value) ? value.keys() : Object.keys(value)) {
    if (found.length > 4000) break;
    found.push({ holder: value as Place['holder'], key });
    placesIn((value as Record<string, unknown>)[key as string], found);
  }
  return found;
}

/** Stands in the text until it is replaced by what it names. */
const mark = (number: number) => `\u{e000}${number}\u{e000}`;

/**
 * @param words of the format: keys and values to use
 * @returns JSON, or near it
 */
export function mutateJson(text: string, random: Random, words: readonly string[] = []): string {
  // What is nested too deep to be walked is changed as a text.
  if (isDeep(text)) return mutateText(text, random, words);
  let root: { value: unknown };
  try {
    root = { value: JSON.parse(text) };
  } catch {
    return mutateText(text, random, words);
  }
  if (random.chance(0.08)) return mutateText(text, random, words);
  const fragments: Fragment[] = [];
  const fragment = (): string => {
    fragments.push(fragmentOf(random, words, text));
    return mark(fragments.length - 1);
  };
  for (let left = 1 + random.int(random.chance(0.7) ? 1 : 4); left > 0; left--) {
    const places = placesIn(root);
    if (places.length > 0) change(random.pick(places), random, words, fragment);
  }
  const written = JSON.stringify(root.value, null, random.chance(0.1) ? 1 : undefined) ?? 'null';
  return written.replace(/"\u{e000}(\d+)\u{e000}"/gu, (_, number: string) => fragments[Number(number)]!);
}

const isDeep = (text: string) => /[[{](?:"a":)?(?:[[{](?:"a":)?){500}/.test(text);

function fragmentOf(random: Random, words: readonly string[], text: string): Fragment {
  if (random.chance(0.02)) return random.pick(RARE)();
  if (words.length > 0 && random.chance(0.25)) return JSON.stringify(random.pick(words));
  if (random.chance(0.15)) {
    // A number of the text, moved a little.
    const numbers = text.match(/-?\d+(?:\.\d+)?/g) ?? ['7'];
    return String(Number(random.pick(numbers)) + random.pick([-1, 1, 0.5, 0, -(2 ** 31)]));
  }
  return random.pick(VALUES);
}

function change(
  { holder, key }: Place,
  random: Random,
  words: readonly string[],
  fragment: () => string,
): void {
  const target = holder as Record<string | number, unknown>;
  const define = (on: object, name: string, value: unknown) =>
    Object.defineProperty(on, name, { value, enumerable: true, configurable: true, writable: true });
  const value = target[key];
  switch (random.int(7)) {
    case 0:
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else if (Object.keys(holder).length > 1) delete target[key];
      else target[key] = fragment();
      break;
    case 1: {
      const name = words.length > 0 && random.chance(0.4) ? random.pick(words) : random.pick(KEYS);
      if (Array.isArray(holder)) holder.push(value);
      else if (typeof value === 'object' && value !== null && !Array.isArray(value))
        define(value, name, fragment());
      else define(target, name, value);
      break;
    }
    case 2:
      if (Array.isArray(value)) target[key] = [...value, ...value.slice(0, 3)];
      else if (typeof value === 'string') target[key] = mutateText(value, random, words);
      else target[key] = fragment();
      break;
    case 3:
      target[key] = random.chance(0.5) ? [value] : { [random.pick(KEYS.slice(3))]: value };
      break;
    case 4:
      if (typeof value === 'number')
        target[key] = random.pick([-value, value + 1, value - 1, value * 2, value / 3, 2 ** 53]);
      else if (typeof value === 'string' && /^\d+$/.test(value)) target[key] = Number(value);
      else target[key] = typeof value === 'object' ? null : String(value);
      break;
    default:
      target[key] = fragment();
  }
}
