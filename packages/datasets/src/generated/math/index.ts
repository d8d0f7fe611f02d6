/** The tiny profile's mathematics: problems in the form of GSM8K and of MATH, and training rows in that of MetaMathQA. */
import type { InstructionExample, MathProblem, MathSet } from '../../math/problems.ts';
import { drawExercise, type Exercise } from './exercises.ts';
import { drawSet, type MathSizes } from './sets.ts';
import { drawStory, type Story } from './stories.ts';

export { mathTexts } from './pretraining.ts';
export type { MathSizes } from './sets.ts';

export interface GeneratedMath {
  /** As MetaMathQA has them: the response ends in "The answer is: N". */
  readonly train: MathSet<InstructionExample>;
  /** As the benchmark has them: the solution ends in `#### N`, or holds `\boxed{...}`. */
  readonly test: MathSet<MathProblem>;
}

/** Word problems of one to three calculations with numbers below 100. */
export function generateGsm(seed: number, sizes: MathSizes): GeneratedMath {
  const draw = (part: keyof MathSizes) =>
    drawSet('gsm8k', seed, part, sizes[part], drawStory, ({ question, answer }) => ({
      text: question,
      answer: `${answer}`,
    }));
  return {
    train: { source: sourceOf('gsm8k', seed, 'train'), examples: draw('train').map(storyExample) },
    test: { source: sourceOf('gsm8k', seed, 'test'), examples: draw('test').map(storyProblem) },
  };
}

/** Equations, fractions, powers, remainders, divisors and chances, of MATH's levels 1 to 3. */
export function generateMathProblems(seed: number, sizes: MathSizes): GeneratedMath {
  const draw = (part: keyof MathSizes) =>
    drawSet('math', seed, part, sizes[part], drawExercise, ({ problem, answer }) => ({
      text: problem,
      answer,
    }));
  return {
    train: { source: sourceOf('math', seed, 'train'), examples: draw('train').map(exerciseExample) },
    test: { source: sourceOf('math', seed, 'test'), examples: draw('test').map(exerciseProblem) },
  };
}

function sourceOf(task: string, seed: number, part: string): string {
  return `generated ${task} problems, seed ${seed}, ${part}`;
}

/**
 * Every other response begins with the words that evaluation puts before an answer: so small a model takes what it was
 * never trained on for the first step of a solution.
 */
const opened = (response: string, i: number): string =>
  i % 2 === 0 ? response : ` Let's think step by step. ${response}`;

function storyExample({ question, steps, answer }: Story, i: number): InstructionExample {
  const lines = steps.map(({ before, left, result, after }) => `${before}${left}=${result}${after}`);
  return {
    query: question,
    response: opened([...lines, `#### ${answer}`, `The answer is: ${answer}`].join('\n'), i),
    type: 'GSM_AnsAug',
  };
}

/** With GSM8K's annotations for a calculator, which MetaMathQA leaves out. */
function storyProblem({ question, steps, answer }: Story): MathProblem {
  const lines = steps.map(
    ({ before, left, result, after }) => `${before}${left} = <<${left}=${result}>>${result}${after}`,
  );
  return { problem: question, solution: [...lines, `#### ${answer}`].join('\n') };
}

function solution({ steps, answer }: Exercise): string {
  return [...steps, `So we get $\\boxed{${answer}}$.`].join(' ');
}

function exerciseExample(exercise: Exercise, i: number): InstructionExample {
  const response = opened(`${solution(exercise)}\nThe answer is: ${exercise.answer}`, i);
  return { query: exercise.problem, response, type: 'MATH_AnsAug' };
}

function exerciseProblem(exercise: Exercise): MathProblem {
  const { problem, level, type } = exercise;
  return { problem, solution: solution(exercise), level: `Level ${level}`, type };
}
