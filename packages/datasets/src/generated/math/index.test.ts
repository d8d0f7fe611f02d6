import { describe, expect, test } from 'vitest';
import { generateGsm, generateMathProblems, mathTexts } from './index.ts';

const SIZES = { train: 2000, test: 300 };
const MAKERS = { gsm8k: generateGsm, math: generateMathProblems };
const SETS = { gsm8k: generateGsm(1, SIZES), math: generateMathProblems(1, SIZES) };

const [train, tests] = [
  Object.values(SETS).flatMap((set) => set.train.examples),
  Object.values(SETS).flatMap((set) => set.test.examples),
];

/** A number as its parts in lowest terms; written from scratch, for the generators know arithmetic of their own. */
class Reader {
  #at = 0;
  constructor(readonly text: string) {}

  static value(text: string): string {
    const reader = new Reader(text.replace(/\\cdot/g, '*').replace(/\s/g, ''));
    const [over, under] = reader.#sum();
    if (reader.#at !== reader.text.length) throw new Error(`cannot read "${text}" from place ${reader.#at}`);
    let [a, b] = [Math.abs(over), Math.abs(under)];
    while (b !== 0) [a, b] = [b, a % b];
    return `${over / a}/${under / a}`;
  }
  #take(sign: string): boolean {
    const found = this.text.startsWith(sign, this.#at);
    if (found) this.#at += sign.length;
    return found;
  }
  #sum(): [number, number] {
    let [a, b] = this.#product();
    for (;;) {
      const sign = this.#take('+') ? 1 : this.#take('-') ? -1 : 0;
      if (sign === 0) return [a, b];
      const [c, d] = this.#product();
      [a, b] = [a * d + sign * c * b, b * d];
    }
  }
  #product(): [number, number] {
    let [a, b] = this.#power();
    for (;;)
      if (this.#take('*')) {
        const [c, d] = this.#power();
        [a, b] = [a * c, b * d];
      } else if (this.#take('/')) {
        const [c, d] = this.#power();
        [a, b] = [a * d, b * c];
      } else return [a, b];
  }
  #power(): [number, number] {
    const [a, b] = this.#factor();
    if (!this.#take('^')) return [a, b];
    const [times] = this.#factor();
    return [a ** times, b ** times];
  }
  #factor(): [number, number] {
    if (this.#take('\\frac{')) {
      const [a, b] = this.#sum();
      if (!this.#take('}{')) throw new Error(`no denominator in "${this.text}"`);
      const [c, d] = this.#sum();
      if (!this.#take('}')) throw new Error(`an open fraction in "${this.text}"`);
      return [a * d, b * c];
    }
    const digits = /^\d+/.exec(this.text.slice(this.#at))?.[0];
    if (digits === undefined) throw new Error(`no number at place ${this.#at} of "${this.text}"`);
    this.#at += digits.length;
    return [Number(digits), 1];
  }
}

/** Chains of equal expressions in a solution of either form, without the unknown that begins some. */
function equations(solution: string): string[][] {
  const plain = solution.replace(/<<(.*?)>>\d+/g, '').replace(/(\S+) = (?=[^<])/g, '$1=');
  const annotated = [...solution.matchAll(/<<(.*?)>>/g)].map(([, inner]) => inner!);
  const displays = [...plain.matchAll(/\$(.*?)\$/g)].map(([, inner]) => inner!);
  const bare = /\$/.test(plain) ? [] : [...plain.matchAll(/\d+(?:[-+*/]\d+)+=\d+/g)].map(([found]) => found);
  return [...annotated, ...displays, ...bare]
    .filter((text) => text.includes('='))
    .map((text) =>
      text
        .split('=')
        // "7x" stands for what follows: nothing to compute.
        .filter((side) => !/x/.test(side)),
    );
}

test('the evaluator knows arithmetic', () => {
  expect(Reader.value('3+4\\cdot5')).toBe('23/1');
  expect(Reader.value('2^3-12/8')).toBe('13/2');
  expect(Reader.value('\\frac{6}{8}')).toBe(Reader.value('\\frac{1}{2}+\\frac{1}{4}'));
  expect(() => Reader.value('3+')).toThrow(/no number/);
});

describe('every calculation', () => {
  const texts = [...train.map(({ response }) => response), ...tests.map(({ solution }) => solution)];
  test('is right, and every solution has one', () => {
    for (const text of texts) {
      const chains = equations(text);
      expect(chains.length, text).toBeGreaterThan(0);
      for (const sides of chains) {
        const values = sides.map(Reader.value);
        expect(new Set(values).size, text).toBe(1);
      }
    }
  });

  test('of a word problem ends in the answer', () => {
    for (const { solution } of SETS.gsm8k.test.examples)
      expect(equations(solution).at(-1)![1], solution).toBe(answerOf(solution));
    for (const { response } of SETS.gsm8k.train.examples) {
      expect(equations(response).at(-1)![1], response).toBe(answerOf(response));
      expect(/#### (.*)$/m.exec(response)![1]).toBe(answerOf(response));
    }
  });

  test('of a word problem uses numbers of the text, or results, or days of a week', () => {
    for (const { problem, solution } of SETS.gsm8k.test.examples) {
      const known = new Set((problem.match(/\d+/g) ?? []).map(Number));
      if (/twice|half/.test(problem)) known.add(2);
      if (/weeks/.test(problem)) known.add(7);
      for (const [, a, b, result] of solution.matchAll(/<<(\d+).(\d+)=(\d+)>>/g)) {
        expect(known, `${problem} ${solution}`).toContain(Number(a));
        expect(known, `${problem} ${solution}`).toContain(Number(b));
        known.add(Number(result));
      }
    }
  });
});

/** What each wording asks for, worked out from its numbers alone: true if `answer` is right. */
const ASKED: readonly (readonly [RegExp, (answer: string, ...found: string[]) => boolean])[] = [
  [/(?:If|Solve) \$([^$f]*)=([^$]*)\$/, (x, left, right) => equal(put(x, left!), put(x, right!))],
  [/If \$f\(x\)=(.*?)\$, what is \$f\((\d+)\)\$/, (answer, f, x) => equal(put(x!, f!), answer)],
  [/^What is \$([^$]*)\$ of \$(\d+)\$/, (answer, part, whole) => equal(`${part}*${whole}`, answer)],
  [/(?:Evaluate|Compute|What is|value of) \$([^$]*)\$[.?]/, (answer, given) => equal(given!, answer)],
  [/(?:Simplify|Write) \$([^$]*)\$/, (answer, given) => equal(given!, answer)],
  [/remainder when \$(\d+)\$.*by \$(\d+)\$/, (answer, a, b) => Number(answer) === Number(a) % Number(b)],
  [
    /greatest common divisor of \$(\d+)\$ and \$(\d+)\$/,
    (answer, a, b) =>
      Number(answer) ===
      divisors(Number(a))
        .filter((n) => Number(b) % n === 0)
        .at(-1),
  ],
  [
    /least common multiple of \$(\d+)\$ and \$(\d+)\$/,
    (answer, a, b) =>
      Number(answer) === divisors(Number(a) * Number(b)).find((n) => (n % Number(a)) + (n % Number(b)) === 0),
  ],
  [
    /\$(\d+)\$ red and \$(\d+)\$ blue marbles/,
    (answer, red, blue) => equal(`${red}/${Number(red) + Number(blue)}`, answer),
  ],
  [/\$(\d+)\$ shirts, \$(\d+)\$ hats and \$(\d+)\$/, (answer, a, b, c) => equal(`${a}*${b}*${c}`, answer)],
  [/sides \$(\d+)\$ and \$(\d+)\$/, (answer, a, b) => equal(`${a}+${b}+${a}+${b}`, answer)],
];

const equal = (a: string, b: string) => Reader.value(a) === Reader.value(b);
const put = (x: string, expression: string) =>
  expression.replace(/(\d*)x/g, (_, n: string) => `${n || 1}*${x}`);
const divisors = (n: number) => Array.from({ length: n }, (_, i) => i + 1).filter((i) => n % i === 0);

test('every exercise has the right answer, fractions in lowest terms', () => {
  const asked = new Set<RegExp>();
  const rows = [
    ...SETS.math.train.examples.map(({ query, response }) => [query, response] as const),
    ...SETS.math.test.examples.map(({ problem, solution }) => [problem, solution] as const),
  ];
  for (const [problem, solution] of rows) {
    const answer = answerOf(solution);
    const [wording, isRight] = ASKED.find(([wording]) => wording.test(problem))!;
    asked.add(wording);
    expect(isRight(answer, ...wording.exec(problem)!.slice(1)), `${problem} ${solution}`).toBe(true);
    const fraction = /frac\{(\d+)\}\{(\d+)\}/.exec(answer);
    if (fraction !== null)
      expect(Reader.value(answer), problem).toBe(`${Number(fraction[1])}/${Number(fraction[2])}`);
    expect(solution).toContain(`\\boxed{${answer}}`);
  }
  expect(asked.size).toBe(ASKED.length);
});

function answerOf(text: string): string {
  const found =
    /The answer is: (.*)$/.exec(text)?.[1] ??
    /#### (.*)$/.exec(text)?.[1] ??
    /\\boxed\{(.*)\}\$\.$/.exec(text)?.[1];
  if (found === undefined) throw new Error(`no answer in "${text}"`);
  return found;
}

describe.each(['gsm8k', 'math'] as const)('%s', (name) => {
  const set = SETS[name];
  const queries = set.train.examples.map(({ query }) => query);
  const problems = set.test.examples.map(({ problem }) => problem);

  test('training set, test set and pre-training have no problem in common, for any seeds', () => {
    expect(new Set(queries).size).toBe(SIZES.train);
    expect(new Set(problems).size).toBe(SIZES.test);
    const others = MAKERS[name](2, SIZES);
    const read = mathTexts(1, 0, 4000).flatMap((text) => /^Q: (.*)$/m.exec(text)?.[1] ?? []);
    expect(read.length).toBeGreaterThan(1000);
    const trained = [queries, others.train.examples.map(({ query }) => query), read].flat();
    const tested = [problems, others.test.examples.map(({ problem }) => problem)].flat();
    expect(trained.filter((text) => tested.includes(text))).toEqual([]);
    const seen = new Set(read);
    expect(queries.filter((text) => seen.has(text))).toEqual([]);
  });

  test('the seed decides them', () => {
    const few = { train: 20, test: 10 };
    expect(MAKERS[name](1, few)).toEqual(MAKERS[name](1, few));
    expect(MAKERS[name](2, few).train.examples).not.toEqual(MAKERS[name](1, few).train.examples);
  });

  test('no constant guess earns more than 8 %', () => {
    for (const texts of [
      set.train.examples.map(({ response }) => response),
      set.test.examples.map(({ solution }) => solution),
    ]) {
      const counts = new Map<string, number>();
      for (const text of texts) counts.set(answerOf(text), (counts.get(answerOf(text)) ?? 0) + 1);
      expect(Math.max(...counts.values()) / texts.length).toBeLessThan(0.08);
      expect(counts.size).toBeGreaterThan(40);
    }
  });

  test('numbers are below 100 ', () => {
    const numbers = [...queries, ...problems].flatMap((text) => text.match(/\d+/g) ?? []).map(Number);
    expect(numbers.filter((number) => number > 99)).toEqual([]);
  });
});

test('one to three steps, and levels 1 to 3 of several subjects', () => {
  const steps = new Set(SETS.gsm8k.test.examples.map(({ solution }) => solution.match(/<</g)!.length));
  expect([...steps].sort()).toEqual([1, 2, 3]);
  const { examples } = SETS.math.test;
  expect([...new Set(examples.map(({ level }) => level))].sort()).toEqual(['Level 1', 'Level 2', 'Level 3']);
  expect(new Set(examples.map(({ type }) => type)).size).toBe(5);
});

test('pre-training states no answer as fine-tuning does', () => {
  for (const text of mathTexts(3, 0, 1000)) expect(text).not.toMatch(/answer|####|boxed|Response/);
});

test('more than there are is refused', () => {
  expect(() => generateMathProblems(1, { train: 1, test: 8000 })).toThrow(/ask for fewer/);
});
