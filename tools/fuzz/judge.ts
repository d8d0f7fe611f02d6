/** Tells how an input ended, and whether that is as it should be. */
import path from 'node:path';
import type { Files, Target } from './target.ts';

/** The project's own classes of errors, by their names. */
const OWN = new Set([
  ...['WeightFileError', 'ModelConfigError', 'ModelWeightsError', 'GgufError', 'DataError', 'HubError'],
  ...['AdapterError', 'AdapterConfigError', 'ConfigError', 'RecordError'],
]);

/** What JavaScript itself says of a mistake in a program: no answer to someone with a broken file. */
const RAW = [
  /Cannot (read|set|convert|mix|destructure|access|create|assign|define|delete|use)/,
  /(is|are) not (a function|a constructor|iterable|an object|defined|extensible|an entry object)/,
  /Maximum call stack|Invalid (array|string|typed array|count|time|Date)|Array buffer allocation|out of bounds/i,
  /outside the bounds|out of range|Reduce of empty|heap out of memory|undefined \(|of undefined|of null|BigInt|circular/,
  /Object prototype|must be of type|ERR_[A-Z]|offset is|source is too large|Missing initializer|Unexpected end of (array|data)/,
  /\[object Object\]|\bundefined\b.*\bundefined\b/,
];
const LONGEST = 1000;
/** What follows quotes the file. */
const LONGEST_KEY = 90;

export interface Outcome {
  /** Alike for inputs that end alike: the class, and the message without what differs from file to file. */
  readonly key: string;
  readonly message: string;
  /** Why it is none that a user should meet; undefined for a good one. */
  readonly fault?: string;
  readonly stack?: string;
}

export const READ: Outcome = { key: 'was read', message: 'was read' };

export function judge(error: Error, folder: string, files: Files, { places = [] }: Target): Outcome {
  const message = String(error?.message);
  const key = `${error?.name}: ${normalised(message, folder)}`;
  const fault = faultOf(error, message, [folder, path.basename(folder), ...files.keys(), ...places]);
  return fault === undefined
    ? { key, message }
    : { key: `${fault}: ${key}`, message, fault, stack: String(error?.stack) };
}

function faultOf(error: Error, message: string, names: readonly string[]): string | undefined {
  if (!(error instanceof Error)) return 'threw something that is no error';
  if (!OWN.has(error.name)) return `is a raw ${error.name}`;
  const raw = RAW.find((pattern) => pattern.test(message));
  if (raw !== undefined) return 'passes on what JavaScript says of a mistake in a program';
  if (/[\n\r]/.test(message)) return 'has several lines';
  if (message.length > LONGEST) return `has ${message.length} characters`;
  if (!names.some((name) => name !== '' && message.includes(name))) return 'names no file';
  return undefined;
}

/** Without paths, quotations and numbers. */
function normalised(message: string, folder: string): string {
  return message
    .replaceAll(folder, '')
    .replace(/"(?:[^"\\]|\\.)*"?/g, '"…"')
    .replace(/got .*$/s, 'got …')
    .replace(/-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/gi, '#')
    .replace(/[^\x20-\x7e…]+/g, '?')
    .slice(0, LONGEST_KEY);
}
