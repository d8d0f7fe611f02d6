/** Draws words and phrases of the generated sentences. */
import type { RandomStream } from '@psoft/engine';
import type { Noun, Verb } from './lexicon.ts';
import * as words from './lexicon.ts';

export type GrammaticalNumber = 'singular' | 'plural';

export class Speaker {
  constructor(private readonly rng: RandomStream) {}
  one<T>(list: readonly T[]): T {
    return list[this.rng.integer(list.length)]!;
  }
  /** A member of `list` that is not `not`. */
  another<T>(list: readonly T[], not: T): T {
    return this.one(list.filter((one) => one !== not));
  }
  chance(): boolean {
    return this.rng.integer(2) === 0;
  }
  number(): GrammaticalNumber {
    return this.chance() ? 'singular' : 'plural';
  }
  /** "the old sailor", the adjective half of the time. */
  theNoun(noun: Noun, number: GrammaticalNumber): string {
    return `the ${this.chance() ? `${this.one(words.ADJECTIVES)} ` : ''}${noun[number]}`;
  }
  thing(): string {
    return this.theNoun(this.one(words.THINGS), this.number());
  }
  person(number: GrammaticalNumber = this.number()): string {
    return this.theNoun(this.one(words.PEOPLE), number);
  }
}

export const present = (verb: Verb, number: GrammaticalNumber) =>
  number === 'singular' ? verb.thirdPerson : verb.base;
export const other = (number: GrammaticalNumber): GrammaticalNumber =>
  number === 'singular' ? 'plural' : 'singular';

/** With a capital letter, and `end` behind it. */
export function sentence(words: string, end = '.'): string {
  return `${words[0]!.toUpperCase()}${words.slice(1)}${end}`;
}
