/** Every operation of an expression: its exact value on fractions, where it has one, and its value on complex numbers. */
import * as C from './complex.ts';
import * as R from './rational.ts';

type Exact = R.Rational | undefined;

export interface Operation {
  /** Undefined where the value is no fraction, or too large. */
  readonly exact?: (...values: R.Rational[]) => Exact;
  readonly value: (...values: C.Complex[]) => C.Complex;
}

const NONE = C.real(Number.NaN);
/** A function of real numbers only. */
const ofReal =
  (compute: (x: number) => number) =>
  (x: C.Complex): C.Complex =>
    x.im === 0 ? C.real(compute(x.re)) : NONE;

const sine: Operation = { value: C.sine };
const cosine: Operation = { value: C.cosine };
const tangent = (x: C.Complex): C.Complex => C.divide(C.sine(x), C.cosine(x));
const one = C.real(1);
const floor = (x: R.Rational): R.Rational =>
  R.integer((x.top - (((x.top % x.bottom) + x.bottom) % x.bottom)) / x.bottom);
const choose = (n: number, k: number): number => {
  if (!Number.isInteger(k) || k < 0 || k > 1000) return Number.NaN;
  let result = 1;
  for (let i = 1; i <= k; i++) result = (result * (n - k + i)) / i;
  return result;
};

export const OPERATIONS = {
  add: { exact: R.add, value: C.add },
  negate: { exact: R.negate, value: C.negate },
  multiply: { exact: R.multiply, value: C.multiply },
  divide: { exact: R.divide, value: C.divide },
  power: { exact: R.power, value: C.power },
  sqrt: { exact: (x) => R.root(x, 2), value: C.squareRoot },
  root: {
    exact: (x, n) => (R.isInteger(n) ? R.root(x, Number(n.top)) : undefined),
    value: (x, n) =>
      x.im === 0 && x.re < 0 && n.im === 0 && Math.abs(n.re % 2) === 1
        ? C.real(-((-x.re) ** (1 / n.re)))
        : C.power(x, C.divide(one, n)),
  },
  factorial: {
    exact: (x) => (R.isInteger(x) && x.top >= 0n && x.top <= 3000n ? R.factorial(Number(x.top)) : undefined),
    value: ofReal((x) =>
      Number.isInteger(x) && x >= 0 ? R.toNumber(R.factorial(Math.min(x, 200))!) : Number.NaN,
    ),
  },
  choose: { value: (n, k) => (n.im === 0 && k.im === 0 ? C.real(choose(n.re, k.re)) : NONE) },
  absolute: {
    exact: (x) => (x.top < 0n ? R.negate(x) : x),
    value: (x) => C.real(C.magnitude(x)),
  },
  floor: { exact: floor, value: ofReal(Math.floor) },
  ceiling: { exact: (x) => R.negate(floor(R.negate(x))), value: ofReal(Math.ceil) },
  percent: {
    exact: (x) => R.divide(x, R.integer(100)),
    value: (x) => C.divide(x, C.real(100)),
  },
  degree: { value: (x) => C.multiply(x, C.real(Math.PI / 180)) },
  exp: { value: C.exponential },
  ln: { value: C.logarithm },
  /** log_b(x) */
  logarithm: { value: (x, base) => C.divide(C.logarithm(x), C.logarithm(base)) },
  sin: sine,
  cos: cosine,
  tan: { value: tangent },
  cot: { value: (x) => C.divide(one, tangent(x)) },
  sec: { value: (x) => C.divide(one, C.cosine(x)) },
  csc: { value: (x) => C.divide(one, C.sine(x)) },
  arcsin: { value: ofReal(Math.asin) },
  arccos: { value: ofReal(Math.acos) },
  arctan: { value: ofReal(Math.atan) },
  sinh: { value: ofReal(Math.sinh) },
  cosh: { value: ofReal(Math.cosh) },
  tanh: { value: ofReal(Math.tanh) },
  /** A function without a definition: some fixed smooth one for each name. */
  unknown: {
    value: (name, x) => C.sine(C.add(C.multiply(x, C.real(0.7)), name)),
  },
} as const satisfies Record<string, Operation>;

export type OperationName = keyof typeof OPERATIONS;

/** Operations of one argument that are written by their name, as in print. */
export const FUNCTION_NAMES = [
  ...(['sin', 'cos', 'tan', 'cot', 'sec', 'csc', 'arcsin', 'arccos', 'arctan'] as const),
  ...(['sinh', 'cosh', 'tanh', 'ln', 'exp'] as const),
] satisfies OperationName[];
