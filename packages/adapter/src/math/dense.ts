/** Small dense pieces of the eigenvalue and singular value computations, in double precision. */
import { gemm, type Matrix, RandomStream } from '@psoft/engine';
import { norms, scaled } from './block.ts';
import { inverseCholesky } from './cholesky.ts';

export type DoubleMatrix = Matrix<Float64Array>;

/** Columns first to first + count - 1. */
export function columnsOf({ rows, columns, data }: DoubleMatrix, first: number, count: number): DoubleMatrix {
  const part = new Float64Array(rows * count);
  for (let row = 0; row < rows; row++)
    part.set(data.subarray(row * columns + first, row * columns + first + count), row * count);
  return { rows, columns: count, data: part };
}

export function besideEachOther(a: DoubleMatrix, b: DoubleMatrix): DoubleMatrix {
  const columns = a.columns + b.columns;
  const data = new Float64Array(a.rows * columns);
  for (let row = 0; row < a.rows; row++) {
    data.set(a.data.subarray(row * a.columns, (row + 1) * a.columns), row * columns);
    data.set(b.data.subarray(row * b.columns, (row + 1) * b.columns), row * columns + a.columns);
  }
  return { rows: a.rows, columns, data };
}

/** Euclidean norm of each column. */
export function columnNorms(matrix: DoubleMatrix): Float64Array {
  return norms({ isLeft: true, vectors: matrix });
}

export function scaleColumns(matrix: DoubleMatrix, factors: Float64Array): DoubleMatrix {
  return scaled({ isLeft: true, vectors: matrix }, factors).vectors;
}

export function normalMatrix(rows: number, columns: number, stream: RandomStream): DoubleMatrix {
  const data = new Float64Array(rows * columns);
  for (let i = 0; i < data.length; i++) data[i] = stream.normal();
  return { rows, columns, data };
}

/** How far XᵀX may be from the identity, entry by entry, for X to count as orthonormal. */
const ORTHONORMAL = 1e-12;

/**
 * An orthonormal basis of the span of the columns, each close to the part of its column that earlier ones lack.
 * Cholesky QR, repeated, shifted while the columns are nearly dependent (Fukaya et al. 2020): all large products go
 * through {@link gemm}. Where columns are dependent to working precision, arbitrary but reproducible directions fill in.
 */
export async function orthonormalise(x: DoubleMatrix): Promise<DoubleMatrix> {
  const norms = columnNorms(x);
  if (norms.some((norm) => !(norm > 0))) return gramSchmidt(x);
  let q = scaleColumns(
    x,
    norms.map((norm) => 1 / norm),
  );
  for (let pass = 0; pass < 5; pass++) {
    const gram = await gemm(q, q, { transposeA: true });
    const error = distanceFromIdentity(gram);
    if (error < ORTHONORMAL) return q;
    const inverse = (await inverseCholesky(gram)) ?? (await inverseCholesky(gram, 1e-13 * q.columns));
    if (inverse === undefined) break;
    q = await gemm(q, inverse, { transposeB: true });
  }
  return gramSchmidt(q);
}

function distanceFromIdentity({ rows, data }: DoubleMatrix): number {
  let error = 0;
  for (let i = 0; i < data.length; i++)
    error = Math.max(error, Math.abs(data[i]! - (i % (rows + 1) === 0 ? 1 : 0)));
  return error;
}

/** Gram-Schmidt, each vector projected twice; a vector with nothing left is replaced by a pseudo-random one. */
export function gramSchmidt({ rows, columns, data }: DoubleMatrix): DoubleMatrix {
  const stream = RandomStream.from(0, 'gram-schmidt');
  const done: Float64Array[] = [];
  for (let column = 0; column < columns; column++) {
    let vector = Float64Array.from({ length: rows }, (_, row) => data[row * columns + column]!);
    for (;;) {
      const before = norm(vector);
      for (let pass = 0; pass < 2; pass++) for (const other of done) subtractProjection(vector, other);
      const after = norm(vector);
      if (after > 1e-10 * before) {
        done.push(vector.map((value) => value / after));
        break;
      }
      vector = Float64Array.from({ length: rows }, () => stream.normal());
    }
  }
  const result = new Float64Array(rows * columns);
  done.forEach((vector, column) => {
    vector.forEach((value, row) => {
      result[row * columns + column] = value;
    });
  });
  return { rows, columns, data: result };
}

function norm(vector: Float64Array): number {
  let sum = 0;
  for (const value of vector) sum += value * value;
  return Math.sqrt(sum);
}

function subtractProjection(vector: Float64Array, unit: Float64Array): void {
  let dot = 0;
  for (let i = 0; i < vector.length; i++) dot += vector[i]! * unit[i]!;
  for (let i = 0; i < vector.length; i++) vector[i]! -= dot * unit[i]!;
}
