/** Draws the words and numbers of generated problems. */
import type { RandomStream } from '@psoft/engine';

/** Name and pronoun. */
export type Person = readonly [name: string, pronoun: 'She' | 'He'];

const PEOPLE: readonly Person[] = [
  ['Ana', 'She'],
  ['Ben', 'He'],
  ['Clara', 'She'],
  ['Dan', 'He'],
  ['Emma', 'She'],
  ['Frank', 'He'],
  ['Grace', 'She'],
  ['Henry', 'He'],
  ['Ivy', 'She'],
  ['Jack', 'He'],
  ['Kate', 'She'],
  ['Leo', 'He'],
  ['Mia', 'She'],
  ['Noah', 'He'],
  ['Rosa', 'She'],
  ['Sam', 'He'],
];
const THINGS = [
  'apples',
  'books',
  'cards',
  'coins',
  'cookies',
  'eggs',
  'flowers',
  'marbles',
  'oranges',
  'pencils',
  'shells',
  'stamps',
  'stickers',
  'toys',
] as const;
const CONTAINERS = ['bags', 'boxes', 'baskets', 'packs'] as const;

export class MathSpeaker {
  constructor(private readonly rng: RandomStream) {}
  one<T>(list: readonly T[]): T {
    return list[this.rng.integer(list.length)]!;
  }
  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.rng.integer(high - low + 1);
  }
  /** Two people with different names. */
  people(): [Person, Person] {
    const first = this.rng.integer(PEOPLE.length);
    const step = 1 + this.rng.integer(PEOPLE.length - 1);
    return [PEOPLE[first]!, PEOPLE[(first + step) % PEOPLE.length]!];
  }
  things(): string {
    return this.one(THINGS);
  }
  containers(): string {
    return this.one(CONTAINERS);
  }
}

/** "boxes" to "box". */
export function singular(noun: string): string {
  return noun === 'boxes' ? 'box' : noun.slice(0, -1);
}
