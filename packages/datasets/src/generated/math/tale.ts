/** A word problem while it is being told: sentences, and the steps of its solution. */
import { type MathSpeaker, type Person, singular } from './speaker.ts';

export type Operator = '+' | '-' | '*' | '/';

/** One sentence of a solution, around one calculation. */
export interface Step {
  readonly before: string;
  readonly left: string;
  readonly result: number;
  readonly after: string;
}

/** Results above it would need arithmetic that a model of a million parameters has no room for. */
const LARGEST = 99;

const APPLY: Readonly<Record<Operator, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
};

export class Tale {
  readonly sentences: string[] = [];
  readonly steps: Step[] = [];
  readonly person: Person;
  readonly friend: string;
  readonly things: string;
  readonly containers: string;
  /** How many things the person has by now. */
  value = 0;
  /** What the answer counts. */
  unit: string;
  /** Prices: "$" stands before the numbers. */
  currency = '';
  #fits = true;

  constructor(readonly s: MathSpeaker) {
    const [person, friend] = s.people();
    this.person = person;
    this.friend = friend[0];
    this.things = s.things();
    this.containers = s.containers();
    this.unit = this.things;
  }

  get name(): string {
    return this.person[0];
  }
  /** At the start of a sentence. */
  get He(): string {
    return this.person[1];
  }
  get he(): string {
    return this.He.toLowerCase();
  }
  get container(): string {
    return singular(this.containers);
  }
  /** Whether every calculation came out whole and within range. */
  get fits(): boolean {
    return this.#fits;
  }

  say(sentence: string): void {
    this.sentences.push(sentence);
  }

  /** Adds a sentence to the solution: what stands before the calculation, the calculation, what follows. */
  step(before: string, a: number, operator: Operator, b: number, after = ` ${this.unit}`): number {
    const result = APPLY[operator](a, b);
    // A factor or divisor of 1, or a part of 0, is no calculation.
    const isPlain = b === 0 || ((operator === '*' || operator === '/') && (a === 1 || b === 1));
    if (!Number.isInteger(result) || result < 1 || result > LARGEST || isPlain) this.#fits = false;
    this.steps.push({ before, left: `${a}${operator}${b}`, result, after: `${after}.` });
    return result;
  }
}
