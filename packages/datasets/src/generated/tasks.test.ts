/** The generated tasks: their labels follow from the texts by a rule that is stated here once more. */
import { describe, expect, test } from 'vitest';
import { fingerprintExamples, type TextExample } from '../text.ts';
import { generateAcceptability } from './acceptability.ts';
import {
  generateAnswers,
  generateEntailment,
  generateInference,
  generateParaphrase,
  generateQuestions,
  generateSimilarity,
} from './pairs.ts';
import { generateSentiment } from './sentiment.ts';

const SIZES = { train: 600, dev: 200 };

/** Past, participle and base of a deed are one word. */
const BASE: Readonly<Record<string, string>> = {
  found: 'find',
  took: 'take',
  taken: 'take',
  saw: 'see',
  seen: 'see',
  broke: 'break',
  broken: 'break',
  left: 'leave',
  brought: 'bring',
};
const FUNCTION_WORDS = new Set(['the', 'near', 'was', 'by', 'did', 'not', 'where']);
const words = (text: string) =>
  new Set(
    text
      .toLowerCase()
      .replace(/[.?]/g, '')
      .split(' ')
      .filter((word) => !FUNCTION_WORDS.has(word))
      .map((word) => BASE[word] ?? word),
  );
const shared = ({ text, textPair }: TextExample) => {
  const [first, second] = [words(text), words(textPair!)];
  return [...second].filter((word) => first.has(word)).length;
};
const size = (text: string) => words(text).size;

const RULES: readonly [string, typeof generateSimilarity, (example: TextExample) => number][] = [
  ['similarity', generateSimilarity, (one) => (5 * shared(one)) / 4],
  ['paraphrase', generateParaphrase, (one) => (shared(one) === 4 ? 1 : 0)],
  ['questions', generateQuestions, (one) => (shared(one) === 4 ? 1 : 0)],
  // All that the question names is in the sentence.
  ['answers', generateAnswers, (one) => (shared(one) === size(one.text) ? 0 : 1)],
  // All that the second sentence says is in the first.
  ['entailment', generateEntailment, (one) => (shared(one) === size(one.textPair!) ? 0 : 1)],
  [
    'inference',
    generateInference,
    (one) => (shared(one) < size(one.textPair!) ? 1 : one.textPair!.includes('did not') ? 2 : 0),
  ],
];

describe.each(RULES)('%s', (_, generate, rule) => {
  const splits = generate(1, SIZES);
  const all = Object.values(splits).flatMap(({ examples }) => examples);
  test('the rule gives every label', () => {
    for (const example of all)
      expect(rule(example), `${example.text} / ${example.textPair}`).toBe(example.label);
  });
  test('classes are as many of each, up to one', () => {
    for (const { examples } of Object.values(splits)) {
      const counts = new Map<number, number>();
      for (const { label } of examples) counts.set(label, (counts.get(label) ?? 0) + 1);
      expect(Math.max(...counts.values()) - Math.min(...counts.values())).toBeLessThanOrEqual(1);
    }
  });
  test('no pair stands twice, and the seed decides everything', () => {
    expect(new Set(splits.train.examples.map(({ text, textPair }) => `${text} ${textPair}`)).size).toBe(600);
    const again = generate(1, SIZES);
    expect(fingerprintExamples(again.dev.examples)).toBe(fingerprintExamples(splits.dev.examples));
    expect(fingerprintExamples(generate(2, SIZES).dev.examples)).not.toBe(
      fingerprintExamples(splits.dev.examples),
    );
  });
});

describe('sentiment', () => {
  const { train, dev } = generateSentiment(1, SIZES);
  const PRAISE = /\b(good|great|fine|noble|wise|happy|beautiful|excellent|strong|true)\b/;
  /** The clause that counts: after "but", after the comma of "though", or the whole. */
  const mainClause = (text: string) => {
    if (text.includes(', but ')) return text.split(', but ')[1]!;
    return text.startsWith('Though ') ? text.split(', ')[1]! : text;
  };
  test('the main clause decides, and "not" turns it round', () => {
    for (const { text, label } of [...train.examples, ...dev.examples]) {
      const clause = mainClause(text);
      expect(PRAISE.test(clause) !== clause.includes(' not ') ? 1 : 0, text).toBe(label);
    }
  });
  test('as many of each, none twice', () => {
    expect(dev.examples.filter(({ label }) => label === 1)).toHaveLength(100);
    expect(new Set([...train.examples, ...dev.examples].map(({ text }) => text)).size).toBe(800);
  });
});

test('more texts than there are is refused', () => {
  expect(() => generateParaphrase(1, { train: 4000, dev: 1 })).toThrow(/too few texts for 4000 of train/);
});

/** Records name these contents: with others, results would not be comparable. */
test('the texts of the tiny profile stay what they are', () => {
  const short = (examples: readonly TextExample[]) => fingerprintExamples(examples).slice(0, 8);
  expect(short(generateAcceptability(2026).dev.examples)).toMatchInlineSnapshot(`"dc41f28d"`);
  const small = { train: 1536, dev: 400 };
  expect(
    [generateSimilarity, generateParaphrase, generateQuestions, generateAnswers, generateEntailment].map(
      (generate) => short(generate(2026, small).dev.examples),
    ),
  ).toMatchInlineSnapshot(`
    [
      "208d0d83",
      "45df2a75",
      "c7d1e663",
      "618993e8",
      "620235ed",
    ]
  `);
  expect(short(generateInference(2026, small).mismatched.examples)).toMatchInlineSnapshot(`"3d053c3e"`);
  expect(short(generateSentiment(2026, { train: 1024, dev: 400 }).dev.examples)).toMatchInlineSnapshot(
    `"6255b269"`,
  );
});
