/**
 * What makes an answer right in each of the eight forms: one regularity a set, of the kind that the set is about, within
 * reach of a model of a million parameters. Words and numbers are those of the generated mathematics.
 */
import type { CommonsenseSetName } from '../../commonsense/sets.ts';
import type { MathSpeaker, Person } from '../math/speaker.ts';

export interface Draft {
  readonly text: string;
  /** Fit to be an answer; the right one is the first. */
  readonly options: readonly string[];
}

/** @param at counts a set's questions up, for what shall come in turn */
export type Rule = (s: MathSpeaker, at: number) => Draft;

const CONTAINERS = ['bag', 'basket', 'box'] as const;
const TIMES = ['day', 'time', 'year'] as const;
const DAYS = ['Monday', 'Tuesday'] as const;
const PLACES = ['At school', 'On Monday', 'On Tuesday'] as const;
const FOOD = ['apples', 'cookies', 'eggs', 'oranges'] as const;
const NO_FOOD = [
  'books',
  'cards',
  'coins',
  'marbles',
  'pencils',
  'shells',
  'stamps',
  'stickers',
  'toys',
] as const;

export const RULES: Readonly<Record<CommonsenseSetName, Rule>> = {
  /** Which of two numbers is greater. */
  boolq(s, at) {
    const [less, more] = numbers(s, 2, 1, 99).sort((a, b) => a - b) as [number, number];
    return at % 2 === 0
      ? { text: `is ${more} more than ${less}?`, options: ['true', 'false'] }
      : { text: `is ${less} more than ${more}?`, options: ['false', 'true'] };
  },

  /** Things are put into containers, not into times. */
  piqa(s) {
    const [[name]] = s.people();
    return {
      text: `Where does ${name} put ${s.between(2, 99)} ${s.things()}?`,
      options: [`in a ${s.one(CONTAINERS)}`, `in a ${s.one(TIMES)}`],
    };
  },

  /** Who: a person, and another one than is named. Every fourth question offers the named one too. */
  siqa(s, at) {
    const [[name], [friend]] = s.people();
    const things = several(s, NO_FOOD, 2);
    return {
      text: `Who shares ${s.between(2, 99)} ${s.things()} with ${friend}?`,
      options: [name, ...(at % 4 === 0 ? [friend, things[0]!] : things)],
    };
  },

  /** Counting goes on with what is above the last number. */
  hellaswag(s) {
    const [[name]] = s.people();
    const ending = s.between(51, 99);
    return {
      text: `Counting: ${name} counts to 50 and goes on with`,
      options: [ending, ...numbers(s, 3, 2, 49)].map(String),
    };
  },

  /** His or hers. */
  winogrande(s) {
    const [right, wrong] = unlike(s);
    const [[first], [second]] = s.between(0, 1) === 0 ? [right, wrong] : [wrong, right];
    const things = s.things();
    const whose = right[1] === 'He' ? 'his' : 'her';
    return {
      text: `${first} and ${second} have ${s.between(2, 99)} ${things} and _ loses ${whose} ${things}.`,
      options: [right[0], wrong[0]],
    };
  },

  /** A number among words. As in the published set, some questions have three options or five. */
  'arc-e'(s, at) {
    const words = several(s, [...FOOD, ...NO_FOOD, ...DAYS], [2, 4][at % 10] ?? 3);
    return { text: 'Which is a number?', options: [`${s.between(2, 99)}`, ...words] };
  },

  /** The greatest of four numbers. */
  'arc-c'(s) {
    const options = numbers(s, 4, 1, 99).sort((a, b) => b - a);
    return { text: 'Which of these numbers is the greatest?', options: options.map(String) };
  },

  /** What can be eaten. */
  obqa(s) {
    const [[name]] = s.people();
    return { text: `${s.one(PLACES)} ${name} eats`, options: [s.one(FOOD), ...several(s, NO_FOOD, 3)] };
  },
};

/** Two people whose pronouns differ. */
function unlike(s: MathSpeaker): [Person, Person] {
  for (;;) {
    const [one, other] = s.people();
    if (one[1] !== other[1]) return [one, other];
  }
}

/** Different members of a list, in random order. */
function several<T>(s: MathSpeaker, list: readonly T[], count: number): T[] {
  const rest = [...list];
  return Array.from({ length: count }, () => rest.splice(s.between(0, rest.length - 1), 1)[0]!);
}

/** Different whole numbers from `low` to `high`, both included, in random order. */
function numbers(s: MathSpeaker, count: number, low: number, high: number): number[] {
  return several(
    s,
    Array.from({ length: high - low + 1 }, (_, i) => low + i),
    count,
  );
}
