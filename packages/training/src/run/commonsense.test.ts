import { COMMONSENSE_SET_NAMES, COMMONSENSE_TEMPLATES } from '@psoft/datasets';
import { describe, expect, test } from 'vitest';
import { COMMONSENSE_EVALUATIONS, COMMONSENSE_TASKS, likeliest } from './commonsense.ts';
import type { Answer, ScoredChoice } from './evaluate/definition.ts';

const choices = (...scores: [name: string, logProbability: number][]): ScoredChoice[] =>
  scores.map(([name, logProbability]) => ({ name, text: `the correct answer is ${name}`, logProbability }));

describe('likeliest', () => {
  test.each<[string, ScoredChoice[], string | undefined]>([
    ['the most probable', choices(['answer1', -3], ['answer2', -2.5], ['answer3', -9]), 'answer2'],
    ['of equals the first', choices(['option1', -4], ['option2', -4]), 'option1'],
    ['the only one', choices(['true', -99]), 'true'],
    ['none of none', [], undefined],
    ['one of no likelihood', choices(['a', Number.NEGATIVE_INFINITY], ['b', -1]), 'b'],
  ])('%s', (_, given, expected) => {
    expect(likeliest('likelihood', given, expected ?? 'x')).toEqual({
      ...(expected === undefined ? {} : { extracted: expected }),
      isCorrect: expected !== undefined,
    });
    expect(likeliest('likelihood', given, 'another').isCorrect).toBe(false);
  });
  test('by the character, where a longer response is not to lose for its length', () => {
    const given = choices(['false', -2.7], ['true', -2.65]);
    expect(likeliest('likelihood', given, 'true').isCorrect).toBe(true);
    expect(likeliest('likelihoodNormalised', given, 'false').isCorrect).toBe(true);
  });
});

describe('an evaluation', () => {
  const { grade } = COMMONSENSE_EVALUATIONS['commonsense/siqa']!;
  const answer = (output: string): Answer => ({
    prompt: 'p',
    reference: 'answer2',
    output,
    finished: true,
    choices: choices(['answer1', -1], ['answer2', -2], ['answer3', -3]),
  });
  test.each([
    ['the correct answer is answer2', true, true],
    ['answer2 or answer1', true, false],
    ['answer23', true, false],
    ['Answer2', false, true],
    ['neither', false, false],
    ['', false, false],
  ])('grades "%s" by what is said, and by likelihood whatever is said', (output, paper, strict) => {
    const verdicts = ['paper', 'strict', 'likelihood'].map(
      (scorer) => grade(scorer, answer(output)).isCorrect,
    );
    expect(verdicts).toEqual([paper, strict, false]);
  });
  test.each(COMMONSENSE_SET_NAMES)(
    'of %s asks with the training’s template, and knows every option',
    (set) => {
      for (const template of COMMONSENSE_TEMPLATES) {
        const { examples } = COMMONSENSE_EVALUATIONS[`commonsense/${set}`]!.generate(template);
        expect(examples.length).toBe(80);
        for (const { prompt, reference, choices: all } of examples) {
          expect(prompt.includes('                ### Response:')).toBe(template !== 'plain');
          expect(all!.map(({ name }) => name)).toContain(reference);
        }
      }
      const { examples } = COMMONSENSE_TASKS['commonsense/train']!.generate('released');
      expect(examples[0]!.prompt).toContain('request.  \n');
    },
  );
});
