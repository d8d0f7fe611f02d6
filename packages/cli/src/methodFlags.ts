/** Settings of adapter methods as flags: `--oft-block-size=32` is oftBlockSize. */
import { METHODS, methodNamed, nearest } from '@psoft/adapter';
import { ConfigError } from '@psoft/training/config';
import { parseValue, type RankSettings } from './resolve.ts';

export const rankSettings: RankSettings = (method) =>
  Object.hasOwn(METHODS, method) ? methodNamed(method).about : {};

export const flagOf = (setting: string): string =>
  `--${setting.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/**
 * Reads flags that the command itself does not have as settings of `method`.
 * @param words what is left of the command line: `--name=value`, `--name value`, or `--name` for true
 * @param known flags of the command, for suggestions
 * @throws ConfigError for a flag that neither has, naming the nearest
 */
export function readMethodFlags(
  words: readonly string[],
  method: string,
  known: readonly string[],
): Record<string, unknown> {
  const fields = Object.hasOwn(METHODS, method) ? methodNamed(method).fields : {};
  const settings = new Map(Object.keys(fields).map((setting) => [flagOf(setting), setting]));
  const read: Record<string, unknown> = {};
  for (let i = 0; i < words.length; i++) {
    const [flag, ...rest] = words[i]!.split('=') as [string, ...string[]];
    if (!flag.startsWith('--')) throw new ConfigError(`what is "${flag}"? Options begin with --`);
    const setting = settings.get(flag);
    if (setting === undefined) {
      const near = nearest(flag, [...known, ...settings.keys()]);
      throw new ConfigError(
        `unknown option ${flag}${near.length > 0 ? `; did you mean ${near.join(' or ')}?` : ''} (psoft methods ${method} lists its settings)`,
      );
    }
    const follows = words[i + 1];
    if (rest.length > 0) read[setting] = settingValue(rest.join('='), fields[setting]!.initial);
    else if (follows !== undefined && !follows.startsWith('--')) {
      read[setting] = settingValue(follows, fields[setting]!.initial);
      i++;
    } else read[setting] = true;
  }
  return read;
}

/** JSON, a list where commas make one, or the text. */
function settingValue(text: string, initial: unknown): unknown {
  const value = parseValue(text);
  if (typeof value !== 'string' || !value.includes(',') || typeof initial === 'string') return value;
  return value.split(',').map(parseValue);
}
