/** Regular expressions out of a file: matched with a limit on time, as a few letters can ask for years. */
import { Script } from 'node:vm';
import { AdapterConfigError, shown } from './errors.ts';

const LONGEST_MS = 1000;
const MATCHING = new Script('match(new RegExp(source, flags))');
/** Names and dots repeat nothing, so that they take no time. */
const PLAIN = /^[\w.-]*$/;

/** An expression as it stands in the settings, and what is made of it. */
export interface NamePattern {
  readonly setting: string;
  readonly given: string;
  /** Its first group is what is wanted of a name. */
  readonly source: string;
  readonly flags?: string;
}

/**
 * What the expression's first group holds of each of the names that it matches.
 * @throws AdapterConfigError for what is no expression, and one that takes too long
 */
export function matchesOf(pattern: NamePattern, names: readonly string[]): Map<string, string> {
  const { setting, given, source, flags = '' } = pattern;
  const match = (expression: RegExp) =>
    new Map(
      names.flatMap(
        (name) =>
          expression
            .exec(name)
            ?.slice(1, 2)
            .map((group) => [name, group]) ?? [],
      ) as [string, string][],
    );
  try {
    if (PLAIN.test(given)) return match(new RegExp(source, flags));
    return MATCHING.runInNewContext({ source, flags, match, RegExp }, { timeout: LONGEST_MS });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new AdapterConfigError(
      code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'
        ? `${setting}: ${shown(given)} takes more than ${LONGEST_MS / 1000} s to match: simplify the expression`
        : `${setting}: ${shown(given)} is not a regular expression: ${message}; to name a module, put it in a list`,
      { cause },
    );
  }
}
