/** How a cost grows with one size, the others held: a power law and a straight line, each with what it leaves over. */

export interface GrowthPoint {
  /** The size that varies. */
  readonly x: number;
  /** The cost, above 0. */
  readonly y: number;
}

export interface PowerFit {
  /** y = factor * x ^ exponent, by least squares of logarithms. */
  readonly factor: number;
  readonly exponent: number;
  /** Root of the mean square of (measured / fitted - 1). */
  readonly residual: number;
}

export interface LineFit {
  /** y = offset + slope * x, by least squares of relative deviations. */
  readonly offset: number;
  readonly slope: number;
  readonly residual: number;
}

/** @throws Error for fewer than three points, or a size or cost that is not above 0 */
export function fitPower(points: readonly GrowthPoint[]): PowerFit {
  check(points);
  const logs = points.map(({ x, y }) => ({ x: Math.log(x), y: Math.log(y) }));
  const { offset, slope } = leastSquares(logs, () => 1);
  const factor = Math.exp(offset);
  return { factor, exponent: slope, residual: residualOf(points, (x) => factor * x ** slope) };
}

/** @throws as {@link fitPower} */
export function fitLine(points: readonly GrowthPoint[]): LineFit {
  check(points);
  const { offset, slope } = leastSquares(points, ({ y }) => 1 / y ** 2);
  return { offset, slope, residual: residualOf(points, (x) => offset + slope * x) };
}

function check(points: readonly GrowthPoint[]): void {
  if (new Set(points.map(({ x }) => x)).size < 3)
    throw new Error(`a fit needs three sizes at least, got ${points.length} points`);
  const wrong = points.find(({ x, y }) => !(x > 0) || !(y > 0));
  if (wrong !== undefined) throw new Error(`sizes and costs must be above 0, got ${wrong.x} and ${wrong.y}`);
}

function leastSquares(points: readonly GrowthPoint[], weight: (point: GrowthPoint) => number) {
  let [w, wx, wy, wxx, wxy] = [0, 0, 0, 0, 0];
  for (const point of points) {
    const one = weight(point);
    w += one;
    wx += one * point.x;
    wy += one * point.y;
    wxx += one * point.x ** 2;
    wxy += one * point.x * point.y;
  }
  const slope = (w * wxy - wx * wy) / (w * wxx - wx ** 2);
  return { slope, offset: (wy - slope * wx) / w };
}

function residualOf(points: readonly GrowthPoint[], fitted: (x: number) => number): number {
  const squares = points.map(({ x, y }) => (y / fitted(x) - 1) ** 2);
  return Math.sqrt(squares.reduce((sum, one) => sum + one, 0) / points.length);
}
