/** Exercises in the form of MATH: LaTeX between dollar signs, a worked solution, a short answer. */
import type { RandomStream } from '@psoft/engine';
import { MathSpeaker } from './speaker.ts';

export interface Exercise {
  /** MATH's names of subjects. */
  readonly type: string;
  /** 1 to 3 of MATH's 5. */
  readonly level: number;
  readonly problem: string;
  /** What comes before the sentence with the answer. */
  readonly steps: readonly string[];
  /** LaTeX: "12", "\frac{1}{2}". */
  readonly answer: string;
}

type Draft = Omit<Exercise, 'type' | 'level'>;

interface Kind {
  readonly type: string;
  readonly level: number;
  /** Nothing where the numbers drawn do not suit. */
  draw(s: MathSpeaker): Draft | undefined;
}

export function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

const fraction = (over: number, under: number) => `\\frac{${over}}{${under}}`;

/** A fraction in lowest terms, and the words that bring it there where it is not. Nothing for whole numbers. */
function reduce(over: number, under: number): { words: string; answer: string } | undefined {
  const divisor = greatestCommonDivisor(over, under);
  if (divisor === under) return undefined;
  const answer = fraction(over / divisor, under / divisor);
  return { words: divisor === 1 ? '' : ` $${fraction(over, under)}=${answer}$.`, answer };
}

const KINDS: readonly Kind[] = [
  {
    type: 'Algebra',
    level: 1,
    draw(s) {
      const [x, add] = [s.between(2, 60), s.between(3, 39)];
      const problem = s.one([
        `If $x+${add}=${x + add}$, what is $x$?`,
        `Solve $x+${add}=${x + add}$ for $x$.`,
      ]);
      return { problem, steps: [`$x=${x + add}-${add}=${x}$.`], answer: `${x}` };
    },
  },
  {
    type: 'Algebra',
    level: 1,
    draw(s) {
      const [factor, add, at] = [s.between(2, 9), s.between(1, 20), s.between(2, 9)];
      const product = factor * at;
      return {
        problem: `If $f(x)=${factor}x+${add}$, what is $f(${at})$?`,
        steps: [`$${factor}\\cdot${at}=${product}$.`, `$${product}+${add}=${product + add}$.`],
        answer: `${product + add}`,
      };
    },
  },
  {
    type: 'Algebra',
    level: 2,
    draw(s) {
      const [factor, x, add] = [s.between(2, 9), s.between(2, 12), s.between(1, 30)];
      const product = factor * x;
      const total = product + add;
      if (total > 99) return undefined;
      return {
        problem: `Solve $${factor}x+${add}=${total}$ for $x$.`,
        steps: [`$${factor}x=${total}-${add}=${product}$.`, `$x=${product}/${factor}=${x}$.`],
        answer: `${x}`,
      };
    },
  },
  {
    type: 'Algebra',
    level: 3,
    draw(s) {
      const [less, more] = [s.between(1, 4), s.between(2, 5)];
      const [x, right] = [s.between(2, 12), s.between(10, 40)];
      const left = right - more * x;
      if (left < 1) return undefined;
      return {
        problem: `Solve $${less + more}x+${left}=${less === 1 ? '' : less}x+${right}$ for $x$.`,
        steps: [
          `$${less + more}-${less}=${more}$.`,
          `$${more}x=${right}-${left}=${more * x}$.`,
          `$x=${more * x}/${more}=${x}$.`,
        ],
        answer: `${x}`,
      };
    },
  },
  {
    type: 'Prealgebra',
    level: 1,
    draw(s) {
      const [a, b, c] = [s.between(2, 40), s.between(2, 9), s.between(2, 9)];
      return {
        problem: s.one([`Evaluate $${a}+${b}\\cdot${c}$.`, `What is $${a}+${b}\\cdot${c}$?`]),
        steps: [`$${b}\\cdot${c}=${b * c}$.`, `$${a}+${b * c}=${a + b * c}$.`],
        answer: `${a + b * c}`,
      };
    },
  },
  {
    type: 'Prealgebra',
    level: 1,
    draw(s) {
      const [base, add] = [s.between(2, 9), s.between(1, 18)];
      const square = base * base;
      return {
        problem: s.one([`Compute $${base}^2+${add}$.`, `What is the value of $${base}^2+${add}$?`]),
        steps: [`$${base}^2=${base}\\cdot${base}=${square}$.`, `$${square}+${add}=${square + add}$.`],
        answer: `${square + add}`,
      };
    },
  },
  {
    type: 'Prealgebra',
    level: 2,
    draw(s) {
      const [base, power] = s.one([
        [2, 3],
        [2, 4],
        [2, 5],
        [2, 6],
        [3, 3],
        [3, 4],
        [4, 3],
      ] as const);
      const less = s.between(1, 30);
      const steps: string[] = [];
      let value: number = base;
      for (let i = 1; i < power; i++) {
        steps.push(`$${value}\\cdot${base}=${value * base}$.`);
        value *= base;
      }
      if (value - less < 1) return undefined;
      steps.push(`$${value}-${less}=${value - less}$.`);
      return { problem: `Compute $${base}^${power}-${less}$.`, steps, answer: `${value - less}` };
    },
  },
  {
    type: 'Prealgebra',
    level: 2,
    draw(s) {
      const [over, under, times] = [s.between(1, 8), s.between(2, 9), s.between(2, 9)];
      if (over >= under || greatestCommonDivisor(over, under) !== 1) return undefined;
      const [a, b] = [over * times, under * times];
      return {
        problem: s.one([
          `Simplify $${fraction(a, b)}$.`,
          `Write $${fraction(a, b)}$ as a fraction in lowest terms.`,
        ]),
        steps: [`$${a}/${times}=${over}$ and $${b}/${times}=${under}$.`],
        answer: fraction(over, under),
      };
    },
  },
  {
    type: 'Prealgebra',
    level: 2,
    draw(s) {
      const [over, under, times] = [s.between(1, 8), s.between(2, 9), s.between(2, 10)];
      if (over >= under || greatestCommonDivisor(over, under) !== 1) return undefined;
      const whole = under * times;
      const steps = [`$${whole}/${under}=${times}$.`];
      if (over > 1) steps.push(`$${over}\\cdot${times}=${over * times}$.`);
      return {
        problem: `What is $${fraction(over, under)}$ of $${whole}$?`,
        steps,
        answer: `${over * times}`,
      };
    },
  },
  {
    type: 'Prealgebra',
    level: 3,
    draw(s) {
      const [under, factor] = [s.between(2, 6), s.between(2, 4)];
      const [a, b] = [s.between(1, under - 1), s.between(1, under * factor - 1)];
      const common = under * factor;
      const over = a * factor + b;
      const reduced = reduce(over, common);
      if (greatestCommonDivisor(a, under) !== 1 || greatestCommonDivisor(b, common) !== 1) return undefined;
      if (over >= common || reduced === undefined) return undefined;
      return {
        problem: `Compute $${fraction(a, under)}+${fraction(b, common)}$.`,
        steps: [
          `$${fraction(a, under)}=${fraction(a * factor, common)}$.`,
          `$${a * factor}+${b}=${over}$.${reduced.words}`,
        ],
        answer: reduced.answer,
      };
    },
  },
  {
    type: 'Number Theory',
    level: 1,
    draw(s) {
      const [divisor, quotient] = [s.between(3, 12), s.between(2, 9)];
      const rest = s.between(1, divisor - 1);
      const product = divisor * quotient;
      const all = product + rest;
      if (all > 99) return undefined;
      return {
        problem: `What is the remainder when $${all}$ is divided by $${divisor}$?`,
        steps: [`$${divisor}\\cdot${quotient}=${product}$.`, `$${all}-${product}=${rest}$.`],
        answer: `${rest}`,
      };
    },
  },
  {
    type: 'Number Theory',
    level: 2,
    draw(s) {
      const [divisor, a, b] = [s.between(2, 12), s.between(2, 8), s.between(2, 8)];
      if (a === b || greatestCommonDivisor(a, b) !== 1) return undefined;
      const [first, second] = [divisor * a, divisor * b];
      return {
        problem: `What is the greatest common divisor of $${first}$ and $${second}$?`,
        steps: [`$${first}=${divisor}\\cdot${a}$ and $${second}=${divisor}\\cdot${b}$.`],
        answer: `${divisor}`,
      };
    },
  },
  {
    type: 'Number Theory',
    level: 2,
    draw(s) {
      const [divisor, a, b] = [s.between(2, 6), s.between(2, 6), s.between(2, 6)];
      const multiple = divisor * a * b;
      if (a >= b || greatestCommonDivisor(a, b) !== 1 || multiple > 99) return undefined;
      const [first, second] = [divisor * a, divisor * b];
      return {
        problem: `What is the least common multiple of $${first}$ and $${second}$?`,
        steps: [
          `$${first}=${divisor}\\cdot${a}$ and $${second}=${divisor}\\cdot${b}$.`,
          `$${first}\\cdot${b}=${multiple}$.`,
        ],
        answer: `${multiple}`,
      };
    },
  },
  {
    type: 'Counting & Probability',
    level: 1,
    draw(s) {
      const [red, blue] = [s.between(2, 12), s.between(2, 12)];
      const reduced = reduce(red, red + blue);
      if (reduced === undefined) return undefined;
      return {
        problem: `A bag has $${red}$ red and $${blue}$ blue marbles. What is the probability that a marble drawn from it is red?`,
        steps: [`$${red}+${blue}=${red + blue}$.${reduced.words}`],
        answer: reduced.answer,
      };
    },
  },
  {
    type: 'Counting & Probability',
    level: 2,
    draw(s) {
      const [shirts, hats, shoes] = [s.between(2, 6), s.between(2, 6), s.between(2, 4)];
      const pairs = shirts * hats;
      if (pairs * shoes > 99) return undefined;
      return {
        problem: `How many outfits can be made of $${shirts}$ shirts, $${hats}$ hats and $${shoes}$ pairs of shoes?`,
        steps: [`$${shirts}\\cdot${hats}=${pairs}$.`, `$${pairs}\\cdot${shoes}=${pairs * shoes}$.`],
        answer: `${pairs * shoes}`,
      };
    },
  },
  {
    type: 'Geometry',
    level: 1,
    draw(s) {
      const [a, b] = [s.between(2, 30), s.between(2, 19)];
      return {
        problem: `What is the perimeter of a rectangle with sides $${a}$ and $${b}$?`,
        steps: [`$${a}+${b}=${a + b}$.`, `$2\\cdot${a + b}=${2 * (a + b)}$.`],
        answer: `${2 * (a + b)}`,
      };
    },
  },
];

export function drawExercise(rng: RandomStream): Exercise {
  const speaker = new MathSpeaker(rng);
  for (;;) {
    const { draw, ...kind } = speaker.one(KINDS);
    const draft = draw(speaker);
    if (draft !== undefined) return { ...kind, ...draft };
  }
}
