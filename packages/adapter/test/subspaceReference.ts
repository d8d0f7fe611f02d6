/**
 * Randomised subspace iteration written out in double precision: one product at a time with the weight and its transpose,
 * Gram-Schmidt between them, and singular values by Jacobi rotations.
 */
import { type Matrix, RandomStream } from '@psoft/engine';
import type { SingularTriples } from '../src/index.ts';
import { type Kind, matrix } from './matrices.ts';

export type Vectors = Float64Array[];

const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

function gramSchmidt(vectors: Vectors): Vectors {
  const done: Vectors = [];
  for (const given of vectors) {
    let vector = given;
    for (let pass = 0; pass < 2; pass++)
      for (const unit of done) {
        const part = dot(vector, unit);
        vector = vector.map((value, i) => value - part * unit[i]!);
      }
    const length = Math.sqrt(dot(vector, vector));
    done.push(vector.map((value) => value / length));
  }
  return done;
}

/** Singular values of the matrix with these columns: rotations until all pairs are orthogonal. */
function jacobiValues(columns: Vectors): Float64Array {
  const x = columns.map((column) => column.slice());
  for (let isDone = false; !isDone; ) {
    isDone = true;
    for (let p = 0; p < x.length; p++)
      for (let q = p + 1; q < x.length; q++) {
        const [a, b, c] = [dot(x[p]!, x[p]!), dot(x[q]!, x[q]!), dot(x[p]!, x[q]!)];
        if (Math.abs(c) <= 1e-14 * Math.sqrt(a * b)) continue;
        isDone = false;
        const angle = 0.5 * Math.atan2(2 * c, a - b);
        const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
        const [first, second] = [x[p]!, x[q]!];
        x[p] = first.map((value, i) => cos * value + sin * second[i]!);
        x[q] = second.map((value, i) => cos * value - sin * first[i]!);
      }
  }
  return Float64Array.from(x, (vector) => Math.sqrt(dot(vector, vector)))
    .sort()
    .reverse();
}

export interface Reference {
  /** Orthonormal vectors of the smaller side. */
  readonly space: Vectors;
  readonly s: Float64Array;
}

/** Vectors of the smaller side after so many iterations from the start that a seed decides. */
export function reference(
  w: Matrix<Float32Array>,
  rank: number,
  iterations: number,
  seed: number,
): Reference {
  const { rows, columns } = w;
  const isWide = rows <= columns;
  const rowVectors = Array.from({ length: rows }, (_, i) =>
    Float64Array.from(w.data.subarray(i * columns, (i + 1) * columns)),
  );
  const times = (x: Float64Array) => Float64Array.from(rowVectors, (row) => dot(row, x));
  const transposedTimes = (y: Float64Array) => {
    const x = new Float64Array(columns);
    for (const [i, row] of rowVectors.entries()) for (let j = 0; j < columns; j++) x[j]! += y[i]! * row[j]!;
    return x;
  };
  const [toSmall, toLarge] = isWide ? [times, transposedTimes] : [transposedTimes, times];
  const stream = RandomStream.from(seed, 'svd', 'lowrank');
  const start = Array.from({ length: rank }, () => new Float64Array(Math.max(rows, columns)));
  for (let i = 0; i < start[0]!.length; i++) for (const vector of start) vector[i] = stream.normal();
  let space = gramSchmidt(start.map(toSmall));
  for (let i = 0; i < iterations; i++) space = gramSchmidt(gramSchmidt(space.map(toLarge)).map(toSmall));
  return { space, s: jacobiValues(space.map(toLarge)) };
}

/** How much of the vectors found on the smaller side lies outside a space: the largest of the lengths. */
export function outside({ u, vt }: SingularTriples, w: Matrix, space: Vectors): number {
  const [rank, isWide] = [space.length, w.rows <= w.columns];
  let worst = 0;
  for (let i = 0; i < rank; i++) {
    let rest = isWide
      ? Float64Array.from({ length: w.rows }, (_, row) => u[row * rank + i]!)
      : Float64Array.from(vt.subarray(i * w.columns, (i + 1) * w.columns));
    for (const unit of space) {
      const part = dot(rest, unit);
      rest = rest.map((value, k) => value - part * unit[k]!);
    }
    worst = Math.max(worst, Math.sqrt(dot(rest, rest)));
  }
  return worst;
}

/** The kind with an outlier of rank one, `size` times as large. */
export function withOutlier(kind: Kind, rows: number, columns: number, size: number): Matrix<Float32Array> {
  const w = matrix(kind, rows, columns);
  return {
    ...w,
    data: w.data.map(
      (value, at) => value + size * Math.cos(Math.floor(at / columns)) * Math.sin(at % columns),
    ),
  };
}
