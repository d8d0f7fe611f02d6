import { describe, expect, test } from 'vitest';
import { gradeCommonsense } from '../../commonsense/scorers.ts';
import {
  COMMONSENSE_SET_NAMES,
  COMMONSENSE_SETS,
  type CommonsenseRow,
  type CommonsenseSetName,
  optionsOf,
} from '../../commonsense/sets.ts';
import { generateCommonsense } from './index.ts';

const SIZES = { train: 2400, test: 80 };
const SEEDS = [1, 2, 2026] as const;
const GENERATED = SEEDS.map((seed) => generateCommonsense(seed, SIZES));

const GIRLS = ['Ana', 'Clara', 'Emma', 'Grace', 'Ivy', 'Kate', 'Mia', 'Rosa'];
const BOYS = ['Ben', 'Dan', 'Frank', 'Henry', 'Jack', 'Leo', 'Noah', 'Sam'];
const named = (pronoun: string): string[] => (['she', 'her'].includes(pronoun.toLowerCase()) ? GIRLS : BOYS);
const isNumber = (option: string) => /^\d+$/.test(option);

interface Form {
  /** The whole instruction: the question, then the options, the last of which stands before the list of words. */
  readonly pattern: RegExp;
  /** How many options a question may have. */
  readonly counts: readonly number[];
  /** The rule stated again: whether an option is right, from the question's text alone. */
  isRight(option: string, question: string, all: readonly string[]): boolean;
}

const answers = (count: number) =>
  Array.from({ length: count }, (_, i) => `Answer${i + 1}: ([^:\\n]+)`).join(' ');
const CHOICE = 'Please choose the correct answer to the question: ';
const question = (...counts: number[]) =>
  new RegExp(
    `^${CHOICE}(.+)\\n\\n(?:${counts.map((count) => answers(count)).join('|')})\\n\\nAnswer format: (\\S+)$`,
  );

const FORMS: Readonly<Record<CommonsenseSetName, Form>> = {
  boolq: {
    pattern:
      /^Please answer the following question with true or false, question: (.+)\n\nAnswer format: (true\/false)$/,
    counts: [2],
    isRight(option, text) {
      const [, a, b] = /^is (\d+) more than (\d+)\?$/.exec(text)!;
      return option === String(Number(a) > Number(b));
    },
  },
  piqa: {
    pattern:
      /^Please choose the correct solution to the question: (.+)\n\nSolution1: (.+)\n\nSolution2: (.+)\n\nAnswer format: (\S+)$/,
    counts: [2],
    isRight(option, text) {
      expect(text).toMatch(/^Where does [A-Z][a-z]+ put \d+ [a-z]+\?$/);
      return ['in a bag', 'in a basket', 'in a box'].includes(option);
    },
  },
  siqa: {
    pattern: question(3),
    counts: [3],
    isRight(option, text) {
      const [, friend] = /^Who shares \d+ [a-z]+ with ([A-Z][a-z]+)\?$/.exec(text)!;
      return [...GIRLS, ...BOYS].includes(option) && option !== friend;
    },
  },
  hellaswag: {
    pattern:
      /^Please choose the correct ending to complete the given sentence: (.+)\n\nEnding1: (.+) Ending2: (.+) Ending3: (.+) Ending4: (.+)\n\nAnswer format: (\S+)$/,
    counts: [4],
    isRight(option, text) {
      const [, to] = /^Counting: [A-Z][a-z]+ counts to (\d+) and goes on with$/.exec(text)!;
      return Number(option) > Number(to);
    },
  },
  winogrande: {
    pattern:
      /^Please choose the correct answer to fill in the blank to complete the given sentence: (.+)\n\nOption1: (.+) Option2: (.+) Answer format: (\S+)$/,
    counts: [2],
    isRight(option, text, all) {
      const [, first, second, things, whose, lost] =
        /^(\S+) and (\S+) have \d+ (\S+) and _ loses (his|her) (\S+)\.$/.exec(text)!;
      expect(things).toBe(lost);
      expect([...all].sort()).toEqual([first, second].sort());
      return named(whose!).includes(option);
    },
  },
  'arc-e': {
    pattern: question(5, 4, 3),
    counts: [3, 4, 5],
    isRight(option, text) {
      expect(text).toBe('Which is a number?');
      return isNumber(option);
    },
  },
  'arc-c': {
    pattern: question(4),
    counts: [4],
    isRight(option, text, all) {
      expect(text).toBe('Which of these numbers is the greatest?');
      expect(all.every(isNumber)).toBe(true);
      return all.every((other) => Number(other) <= Number(option));
    },
  },
  obqa: {
    pattern: question(4),
    counts: [4],
    isRight(option, text) {
      expect(text).toMatch(/^(At|On) [A-Za-z]+ [A-Z][a-z]+ eats$/);
      return ['apples', 'oranges', 'eggs', 'cookies'].includes(option);
    },
  },
};

interface Parsed {
  readonly set: CommonsenseSetName;
  readonly text: string;
  /** By their words. */
  readonly options: ReadonlyMap<string, string>;
}

function parse({ instruction }: CommonsenseRow): Parsed {
  const set = COMMONSENSE_SET_NAMES.find((name) => {
    const found = FORMS[name].pattern.exec(instruction);
    // Sets of one form differ by what is asked.
    return found !== null && whoseText(found[1]!) === name;
  });
  if (set === undefined) throw new Error(`of no form: ${instruction}`);
  const [, text, ...rest] = FORMS[set].pattern.exec(instruction)!;
  const found = rest.filter((part) => part !== undefined);
  const words = found.pop()!.split('/');
  const options = set === 'boolq' ? words : found;
  expect(options).toHaveLength(words.length);
  return { set, text: text!, options: new Map(words.map((word, i) => [word, options[i]!])) };
}

function whoseText(text: string): CommonsenseSetName {
  if (/^is \d/.test(text)) return 'boolq';
  if (/^Where /.test(text)) return 'piqa';
  if (/^Who /.test(text)) return 'siqa';
  if (/^Counting/.test(text)) return 'hellaswag';
  if (/_/.test(text)) return 'winogrande';
  if (/eats$/.test(text)) return 'obqa';
  return /greatest/.test(text) ? 'arc-c' : 'arc-e';
}

/** Training rows of each generation by their sets. */
const TRAINED = GENERATED.map(({ train }) => {
  const own = new Map(COMMONSENSE_SET_NAMES.map((set): [CommonsenseSetName, CommonsenseRow[]] => [set, []]));
  for (const row of train.rows) own.get(parse(row).set)!.push(row);
  return own;
});
const rowsOf = (at: number, set: CommonsenseSetName): CommonsenseRow[] => [
  ...GENERATED[at]!.tests[set].rows,
  ...TRAINED[at]!.get(set)!,
];

describe.each(COMMONSENSE_SET_NAMES)('%s', (set) => {
  const { counts, isRight } = FORMS[set];

  test('by its rule the answer is right, and every other option is wrong', () => {
    for (const at of SEEDS.keys())
      for (const row of rowsOf(at, set)) {
        const { text, options } = parse(row);
        const all = [...options.values()];
        expect(new Set(all).size, row.instruction).toBe(all.length);
        const right = [...options].filter(([, option]) => isRight(option, text, all));
        expect(
          right.map(([word]) => word),
          row.instruction,
        ).toEqual([row.answer]);
      }
  });

  test('rows are as the published ones: words, input, response', () => {
    const seen = new Set<number>();
    for (const row of rowsOf(0, set)) {
      const options = optionsOf(row)!;
      seen.add(options.length);
      expect(options).toEqual(COMMONSENSE_SETS[set].words.slice(0, options.length));
      expect(options).toEqual([...parse(row).options.keys()]);
      expect(row).toEqual({
        instruction: row.instruction,
        input: '',
        output: `the correct answer is ${row.answer}`,
        answer: row.answer,
      });
      for (const scorer of ['paper', 'strict'] as const)
        expect(
          gradeCommonsense(scorer, set, { output: row.output, answer: row.answer, options }).correct,
        ).toBe(true);
    }
    expect([...seen].sort()).toEqual(counts);
  });

  test('every place is right equally often: a constant guess earns chance', () => {
    for (const [at, { tests }] of GENERATED.entries())
      for (const rows of [tests[set].rows, TRAINED[at]!.get(set)!])
        for (const count of counts) {
          const those = rows.filter((row) => optionsOf(row)!.length === count);
          const times = COMMONSENSE_SETS[set].words
            .slice(0, count)
            .map((word) => those.filter(({ answer }) => answer === word).length);
          expect(Math.max(...times) - Math.min(...times), `${those.length} of ${times}`).toBeLessThan(2);
        }
  });

  test('answers come in no order', () => {
    const { rows } = GENERATED[0]!.tests[set];
    const repeats = rows.filter(({ answer }, i) => answer === rows[i + 1]?.answer).length;
    const chance = 1 / FORMS[set].counts.at(-1)!;
    expect(repeats / rows.length).toBeGreaterThan(chance / 2);
    expect(repeats / rows.length).toBeLessThan(2.5 * chance);
  });
});

test('no question is in a training and in a test set, for any seeds, nor twice in one', () => {
  const key = (row: CommonsenseRow) => {
    const { set, text, options } = parse(row);
    return JSON.stringify([set, text, [...options.values()].sort()]);
  };
  const trained = GENERATED.map(({ train }) => train.rows.map(key));
  const tested = GENERATED.map(({ tests }) => Object.values(tests).flatMap(({ rows }) => rows.map(key)));
  for (const keys of [...trained, ...tested]) expect(new Set(keys).size).toBe(keys.length);
  const anywhere = new Set(trained.flat());
  expect(tested.flat().filter((one) => anywhere.has(one))).toEqual([]);
});

test('sizes, and sets mixed: of WinoGrande three times, of BoolQ twice as many', () => {
  const { train, tests } = generateCommonsense(3, { train: 115, test: 7 });
  expect(train.rows).toHaveLength(115);
  for (const set of COMMONSENSE_SET_NAMES) {
    expect(tests[set].rows).toHaveLength(7);
    const count = train.rows.filter((row) => parse(row).set === set).length;
    const share = { winogrande: 3, boolq: 2 }[set as string] ?? 1;
    expect(count === 10 * share || count === 10 * share + 1, `${set}: ${count}`).toBe(true);
  }
  const firsts = GENERATED[0]!.train.rows.slice(0, 100).map((row) => parse(row).set);
  expect(new Set(firsts).size).toBe(8);
});

test('the seed decides them', () => {
  const few = { train: 40, test: 5 };
  expect(generateCommonsense(1, few)).toEqual(generateCommonsense(1, few));
  expect(generateCommonsense(2, few).train.rows).not.toEqual(generateCommonsense(1, few).train.rows);
  expect(generateCommonsense(1, few).tests.piqa.source).toBe('generated piqa questions, seed 1, test');
});

test('more than there are is refused', () => {
  expect(() => generateCommonsense(1, { train: 8, test: 4000 })).toThrow(
    /the generated boolq questions are too few for 4000 of test: ask for fewer/,
  );
});
