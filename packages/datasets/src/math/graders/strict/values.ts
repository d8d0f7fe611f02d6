/** Whether two expressions are the same function of their variables. */
import { type Complex, magnitude } from './complex.ts';
import { apply, type Expression, exactValue, valueAt, variablesOf } from './expression.ts';
import { isEqual, ZERO } from './rational.ts';

/** Constants agree to about the precision of a double: a rounded decimal is another number. */
const CONSTANT_TOLERANCE = 1e-12;
/** Values at points pass through more operations, and differences between answers are large there. */
const POINT_TOLERANCE = 1e-9;
const POINTS = 8;
/** Where fewer have a value, nothing is concluded. */
const MIN_POINTS = 3;

/** By exact arithmetic where both are fractions, else by value: at one point if nothing varies, else at several. */
export function sameValue(a: Expression, b: Expression): boolean {
  const [x, y] = [exactValue(a), exactValue(b)];
  if (x !== undefined && y !== undefined) return isEqual(x, y);
  const names = variablesOf(a, b);
  if (names.length === 0) return isNear(valueAt(a, {}), valueAt(b, {}), CONSTANT_TOLERANCE);
  let compared = 0;
  for (const point of points(names)) {
    const [p, q] = [valueAt(a, point), valueAt(b, point)];
    if (!isFiniteValue(p) && !isFiniteValue(q)) continue;
    if (!isNear(p, q, POINT_TOLERANCE)) return false;
    compared++;
  }
  return compared >= MIN_POINTS;
}

/**
 * Whether two equations say the same: their sides differ by expressions of a fixed ratio. Only for equations in which
 * something varies.
 */
export function sameEquation(
  a: readonly [Expression, Expression],
  b: readonly [Expression, Expression],
): boolean {
  const names = variablesOf(...a, ...b);
  if (names.length === 0) return false;
  const [left, right] = [a, b].map(([x, y]) => apply('add', x, apply('negate', y)));
  let first: { p: Complex; q: Complex } | undefined;
  let compared = 0;
  for (const point of points(names)) {
    const [p, q] = [valueAt(left!, point), valueAt(right!, point)];
    if (!isFiniteValue(p) || !isFiniteValue(q)) continue;
    first ??= { p, q };
    // p / q constant, without division: a side may vanish at a point.
    if (!isNear(product(p, first.q), product(q, first.p), POINT_TOLERANCE)) return false;
    if (isNearZero(p) !== isNearZero(q)) return false;
    compared++;
  }
  return compared >= MIN_POINTS;
}

/** Fixed points, positive and negative, away from the whole numbers at which different functions meet. */
function points(names: readonly string[]): Record<string, number>[] {
  const part = (x: number): number => x - Math.floor(x);
  return Array.from({ length: POINTS }, (_, p) =>
    Object.fromEntries(
      names.map((name, k) => {
        const size = 0.31 + 2.17 * part((k + 1) * 0.6180339887498949 + (p + 1) * 0.7548776662466927);
        return [name, p >= POINTS / 2 && (p + k) % 2 === 0 ? -size : size];
      }),
    ),
  );
}

export const isZero = (a: Expression): boolean => {
  const value = exactValue(a);
  return value !== undefined && isEqual(value, ZERO);
};

const isNearZero = (a: Complex): boolean => magnitude(a) < 1e-12;
const isFiniteValue = (a: Complex): boolean => Number.isFinite(a.re) && Number.isFinite(a.im);
const product = (a: Complex, b: Complex): Complex => ({
  re: a.re * b.re - a.im * b.im,
  im: a.re * b.im + a.im * b.re,
});

function isNear(a: Complex, b: Complex, tolerance: number): boolean {
  if (!isFiniteValue(a) || !isFiniteValue(b)) return a.re === b.re && a.im === b.im;
  const scale = Math.max(magnitude(a), magnitude(b));
  return magnitude({ re: a.re - b.re, im: a.im - b.im }) <= tolerance * Math.max(scale, 0.1);
}
