import { describe, expect, test } from 'vitest';
import { COMMONSENSE_SCORERS, gradeCommonsense } from './scorers.ts';
import { COMMONSENSE_SET_NAMES, COMMONSENSE_SETS, type CommonsenseSetName, responseOf } from './sets.ts';

const ARC = ['answer1', 'answer2', 'answer3', 'answer4'];

const extract = (
  scorer: 'paper' | 'strict',
  set: CommonsenseSetName,
  output: string,
  options: readonly string[] = COMMONSENSE_SETS[set].words,
) => gradeCommonsense(scorer, set, { output, answer: 'x', options }).extracted;

describe.each(COMMONSENSE_SCORERS)('%s', (scorer) => {
  test.each(COMMONSENSE_SET_NAMES)('%s: the published response is right for its option alone', (set) => {
    const { words } = COMMONSENSE_SETS[set];
    for (const stated of words)
      for (const answer of words)
        expect(gradeCommonsense(scorer, set, { output: responseOf(stated), answer, options: words })).toEqual(
          { correct: stated === answer, extracted: stated },
        );
  });

  test.each<[string, CommonsenseSetName, string]>([
    ['nothing', 'arc-e', ''],
    ['spaces', 'arc-e', ' \n '],
    ['no option', 'arc-e', 'the correct answer is Paris'],
    ['a number alone', 'arc-e', 'the correct answer is 2'],
    ['a space before the number', 'arc-e', 'answer 2'],
    ["another set's words", 'arc-e', 'the correct answer is solution1'],
    ["another set's words", 'boolq', 'the correct answer is answer1'],
    ["another set's words", 'piqa', 'ending1 option1 answer1 true'],
    ['a word that begins alike', 'winogrande', 'options, optional1'],
    ['a broken-off word', 'hellaswag', 'the correct answer is endin'],
    ['a number that no option of the set has', 'siqa', 'the correct answer is answer'],
  ])('%s is no answer (%s)', (_, set, output) => {
    expect(gradeCommonsense(scorer, set, { output, answer: 'answer2', options: ARC })).toEqual({
      correct: false,
      extracted: undefined,
    });
  });

  test.each<[string, string]>([
    ['quoted', 'the correct answer is "answer3".'],
    ['in bold', 'the correct answer is **answer3**'],
    ['after a colon and a line end', 'the correct answer is:\n\n  answer3\n'],
    ['in brackets', '(answer3)'],
    ['alone', 'answer3'],
    ['repeated', 'answer3, answer3 and answer3 again'],
    ['after spaces', '\n                answer3'],
    ['before a full stop and more', 'answer3. Because it rains.'],
    ['with what it says', 'the correct answer is answer3: the plains'],
    ['between letters of other scripts', '答え：answer3。'],
  ])('%s', (_, output) => {
    expect(gradeCommonsense(scorer, 'obqa', { output, answer: 'answer3', options: ARC })).toEqual({
      correct: true,
      extracted: 'answer3',
    });
  });

  test('what the question is not answered by is never taken from it', () => {
    const graded = gradeCommonsense(scorer, 'arc-c', { output: 'answer2', answer: 'answer1', options: ARC });
    expect(graded).toEqual({ correct: false, extracted: 'answer2' });
  });
});

describe('paper', () => {
  test.each<[string, CommonsenseSetName, string, string | undefined]>([
    ['within another word', 'boolq', 'That is untrue.', 'true'],
    ['within another word', 'boolq', 'falsehood, which is true', 'false'],
    ['a longer number', 'arc-e', 'the correct answer is answer12', 'answer1'],
    ['a longer number', 'piqa', 'solution3 or solution21', 'solution2'],
    ['a number that the set has not', 'siqa', 'answer6 or answer0', undefined],
    ['beyond the options of the question', 'siqa', 'the correct answer is answer5', 'answer5'],
    ['another case', 'boolq', 'True. FALSE', undefined],
    ['another case', 'arc-e', 'Answer2', undefined],
    ['another case first', 'arc-e', 'Answer2 is wrong, answer4 right', 'answer4'],
    ['several, the first', 'arc-e', 'answer3 or answer1', 'answer3'],
    ['the first, though another is stated', 'arc-e', 'not answer3: the correct answer is answer1', 'answer3'],
    ['run together', 'winogrande', 'option2option1', 'option2'],
    ['joined by an underscore', 'hellaswag', 'my_ending4', 'ending4'],
    ['up to a further response header', 'boolq', 'true\n\n### Response:\nfalse', 'true'],
    [
      'nothing after a further response header',
      'boolq',
      'well\n### Response:\nthe answer is true',
      undefined,
    ],
    ['nothing after a header at the start', 'boolq', '### Response:\nthe correct answer is true', undefined],
    ['after another header', 'boolq', '### Instruction:\nfalse', 'false'],
    ['a header of another case is text', 'boolq', '### response:\nfalse', 'false'],
  ])('%s (%s)', (_, set, output, expected) => {
    expect(extract('paper', set, output, COMMONSENSE_SETS[set].words.slice(0, 3))).toBe(expected);
  });
});

describe('strict', () => {
  test.each<[string, CommonsenseSetName, string, string | undefined]>([
    ['within another word', 'boolq', 'That is untrue.', undefined],
    ['within another word', 'boolq', 'a falsehood; true', 'true'],
    ['a letter with a mark of its own', 'boolq', 'true\u0301', undefined],
    ['joined by an underscore', 'boolq', 'is_true', undefined],
    ['a longer number', 'arc-e', 'answer12', undefined],
    ['a longer number beside an option', 'arc-e', 'answer12, so answer1', 'answer1'],
    ['another case', 'boolq', 'True', 'true'],
    ['another case', 'arc-e', 'ANSWER2!', 'answer2'],
    ['one option in two cases', 'arc-e', 'Answer2, answer2', 'answer2'],
    ['several', 'arc-e', 'answer3 or answer1', undefined],
    ['all of them', 'boolq', 'true/false', undefined],
    ['run together', 'winogrande', 'option2option1', undefined],
    ['with a hyphen between', 'winogrande', 'option2-option1', undefined],
    ['beyond the options of the question', 'arc-e', 'answer5', undefined],
    ['beyond the options of the question, and one of them', 'arc-e', 'answer5? answer1', 'answer1'],
    [
      'stated beyond the options, whatever else is named',
      'arc-e',
      'The correct answer is answer5, answer1',
      'answer5',
    ],
    ['stated with a longer number', 'arc-e', 'the correct answer is answer12 answer1', 'answer12'],
    [
      'stated, others beside it',
      'arc-e',
      'answer3? No: the correct answer is answer1, not answer2',
      'answer1',
    ],
    [
      'stated twice, the first',
      'arc-e',
      'the correct answer is answer1. The correct answer is answer2.',
      'answer1',
    ],
    [
      'stated in another case and with other spaces',
      'arc-e',
      'THE CORRECT  ANSWER\nIS: Answer4; answer1',
      'answer4',
    ],
    ['a statement of no option is none', 'arc-e', 'the correct answer is Paris, that is answer2', 'answer2'],
    [
      'a later statement that is one',
      'arc-e',
      'the correct answer is here: the correct answer is answer2 or answer1',
      'answer2',
    ],
    ['a statement within other words', 'arc-e', 'the correct answer isanswer2', undefined],
    ['a negation names its option', 'arc-e', 'not answer1', 'answer1'],
    ['a negation and another', 'arc-e', 'not answer1 but answer2', undefined],
    ['a negated statement is none', 'arc-e', 'the correct answer is not answer1 but answer2', undefined],
    [
      'a question written on, after a statement',
      'boolq',
      'the correct answer is false\n### Instruction:\ntrue/false',
      'false',
    ],
    ['after a repeated header', 'boolq', '### Response:\nthe correct answer is true', 'true'],
    ['two answers with a header between', 'boolq', 'true\n### Response:\nfalse', undefined],
  ])('%s (%s)', (_, set, output, expected) => {
    expect(extract('strict', set, output, set === 'arc-e' ? ARC : undefined)).toBe(expected);
  });

  test('a statement beyond the options is wrong, whatever is right', () => {
    const output = 'the correct answer is answer5, answer1';
    for (const answer of ARC)
      expect(gradeCommonsense('strict', 'arc-e', { output, answer, options: ARC }).correct).toBe(false);
  });
});
