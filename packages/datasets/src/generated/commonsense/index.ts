/** The tiny profile's commonsense: questions in the form of the eight sets, each with a regularity that can be learned. */
import { createHash } from 'node:crypto';
import { RandomStream } from '@psoft/engine';
import {
  COMMONSENSE_SET_NAMES,
  COMMONSENSE_SETS,
  type CommonsenseRow,
  type CommonsenseSetName,
} from '../../commonsense/sets.ts';
import { MathSpeaker } from '../math/speaker.ts';
import { rowOf } from './forms.ts';
import { RULES } from './rules.ts';

export interface CommonsenseSizes {
  /** Questions of all sets together. */
  readonly train: number;
  /** Questions of each set. */
  readonly test: number;
}

export interface GeneratedQuestions {
  readonly source: string;
  readonly rows: readonly CommonsenseRow[];
}

export interface GeneratedCommonsense {
  /** All sets, shuffled. */
  readonly train: GeneratedQuestions;
  readonly tests: Readonly<Record<CommonsenseSetName, GeneratedQuestions>>;
}

/**
 * The same sets for the same seed. No question, by its text and what may be answered, is in a training set and in a test
 * set, for any seeds, nor twice in one of them. Each place among the options is right equally often, as far as counts
 * divide.
 * @throws when the draws cannot give that many different questions
 */
export function generateCommonsense(seed: number, { train, test }: CommonsenseSizes): GeneratedCommonsense {
  const rows = COMMONSENSE_SET_NAMES.flatMap((set) => {
    const turns = Array.from({ length: train }, (_, i) => IN_TURN[i % IN_TURN.length]);
    return draw(set, seed, 'train', turns.filter((turn) => turn === set).length);
  });
  const tests = COMMONSENSE_SET_NAMES.map((set): [CommonsenseSetName, GeneratedQuestions] => [
    set,
    { source: `generated ${set} questions, seed ${seed}, test`, rows: draw(set, seed, 'test', test) },
  ]);
  return {
    train: {
      source: `generated commonsense questions, seed ${seed}, train`,
      rows: RandomStream.from(seed, 'commonsense', 'train').shuffle(rows),
    },
    tests: Object.fromEntries(tests) as GeneratedCommonsense['tests'],
  };
}

/** What training questions are of: some rules take more examples than others. */
const IN_TURN: readonly CommonsenseSetName[] = [
  ...COMMONSENSE_SET_NAMES,
  'winogrande',
  'boolq',
  'winogrande',
];

type Part = 'train' | 'test';

/** What a question is for, by itself alone. */
const partOf = (question: string): Part =>
  createHash('sha256').update(question).digest()[0]! % 4 === 0 ? 'test' : 'train';

/** Draws in a row that gave nothing new, after which the questions count as used up. */
const MAX_MISSES = 2000;

function draw(set: CommonsenseSetName, seed: number, part: Part, count: number): CommonsenseRow[] {
  const rng = RandomStream.from(seed, 'commonsense', set, part);
  const speaker = new MathSpeaker(rng);
  const seen = new Set<string>();
  /** How many questions there are by now of so many options. */
  const placed = new Map<number, number>();
  const rows: CommonsenseRow[] = [];
  for (let misses = 0; rows.length < count; ) {
    if (misses > MAX_MISSES)
      throw new Error(`the generated ${set} questions are too few for ${count} of ${part}: ask for fewer`);
    const { text, options } = RULES[set](speaker, rows.length);
    const [right, ...wrong] = options;
    const question = JSON.stringify([text, ...options.toSorted()]);
    if (partOf(question) !== part || seen.has(question)) {
      misses++;
      continue;
    }
    misses = 0;
    seen.add(question);
    const before = placed.get(options.length) ?? 0;
    placed.set(options.length, before + 1);
    // "true" and "false" are words themselves, with places of their own.
    const own = (COMMONSENSE_SETS[set].words as readonly string[]).indexOf(right!);
    const place = own < 0 ? before % options.length : own;
    rng.shuffle(wrong);
    rows.push(rowOf(set, text, [...wrong.slice(0, place), right!, ...wrong.slice(place)], place));
  }
  return rng.shuffle(rows);
}
