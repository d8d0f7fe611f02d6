/** Randomised subspace iteration: all work on large matrices is matrix products, in single precision where that will do. */
import { gemm, type Matrix, RandomStream } from '@psoft/engine';
import { type Block, doubleMatrix, image, type Numbers, symmetricImage } from './block.ts';
import { normalMatrix } from './dense.ts';
import { gramMatrix, gramMultiplications } from './gramMatrix.ts';
import { type Conditioned, conditioned } from './orthonormal.ts';

export interface Iterated<T extends Numbers> {
  /** W in the precision that was used. */
  readonly w: Matrix<T>;
  /** Vectors of the smaller side, orthonormal to a few per cent. */
  readonly block: Block<T>;
  /** Products of W, or of its Gram matrix, with a block of vectors. */
  readonly products: number;
}

/** How many times the smallest singular value kept the largest may be, for squares in single precision to say enough of it. */
const GRAM_RATIO = 300;
/** The same for single precision without squares; beyond, all is done in double. */
const SINGLE_RATIO = 2000;

/**
 * Randomised subspace iteration (Halko, Martinsson and Tropp 2011, algorithm 4.4) for the range on the smaller side:
 * the span of (W Wᵀ)^iterations W (or the same with Wᵀ) times a random block of `rank` columns, without oversampling as
 * in PEFT. Between products the vectors are only kept well apart: the span is all that counts until the end. What the
 * first block shows of the spectrum decides the precision, so the same input takes the same way.
 * @param w [rows, columns], its largest magnitude not far from 1
 */
export async function subspaceIteration(
  w: Matrix<Float32Array>,
  rank: number,
  iterations: number,
  seed: number,
): Promise<Iterated<Float32Array> | Iterated<Float64Array>> {
  const start = await conditioned(await firstBlock(w, rank, normals(seed)));
  const n = Math.min(w.rows, w.columns);
  // Of a flat tail, a random block gathers about sqrt(n) times a single value.
  const ratio = (start.condition / rank) * Math.sqrt(n);
  if (ratio <= SINGLE_RATIO) return iterated(w, start, iterations, ratio <= GRAM_RATIO);
  const exact = doubleMatrix(w);
  const stream = RandomStream.from(seed, ...STREAM);
  const again = await firstBlock(exact, rank, (count) => normalMatrix(count, 1, stream).data);
  return iterated(exact, await conditioned(again), iterations, true);
}

async function iterated<T extends Numbers>(
  w: Matrix<T>,
  start: Conditioned<T>,
  iterations: number,
  mayUseGram: boolean,
): Promise<Iterated<T>> {
  let { block } = start;
  if (mayUseGram && isGramCheaper(w, start.rank, iterations)) {
    const gram = await gramMatrix(w);
    for (let i = 0; i < iterations; i++) ({ block } = await conditioned(await symmetricImage(gram, block)));
    return { w, block, products: iterations + 1 };
  }
  for (let i = 0; i < 2 * iterations; i++) ({ block } = await conditioned(await image(w, block)));
  return { w, block, products: 2 * iterations + 1 };
}

/** Whether W Wᵀ once and products with it cost less than products with W and Wᵀ in turn. */
export function isGramCheaper(
  { rows, columns }: Pick<Matrix, 'rows' | 'columns'>,
  rank: number,
  iterations: number,
): boolean {
  const [n, m] = [Math.min(rows, columns), Math.max(rows, columns)];
  // In multiplications; vectors of n entries are made orthonormal with 2 n rank² of them.
  const withGram = gramMultiplications(n, m) + iterations * (n * n * rank + 2 * n * rank * rank);
  const without = iterations * (2 * n * m * rank + 2 * (n + m) * rank * rank);
  return withGram < without;
}

/** W (tall: Wᵀ) times a block of standard normal numbers, drawn for the larger side row by row. */
async function firstBlock<T extends Numbers>(
  w: Matrix<T>,
  rank: number,
  normal: (count: number) => T,
): Promise<Block<T>> {
  const rows = Math.max(w.rows, w.columns);
  const drawn = { rows, columns: rank, data: normal(rows * rank) };
  return w.rows <= w.columns
    ? { isLeft: true, vectors: await gemm(w, drawn) }
    : image(w, { isLeft: true, vectors: drawn });
}

const STREAM = ['svd', 'lowrank'];

/** The numbers of the last call: every weight of a model starts from the same, and drawing them takes time. */
let last = { seed: -1, values: new Float32Array(0) };

function normals(seed: number): (count: number) => Float32Array {
  return (count) => {
    if (last.seed !== seed || last.values.length < count) {
      const stream = RandomStream.from(seed, ...STREAM);
      const values = new Float32Array(count);
      for (let i = 0; i < count; i++) values[i] = stream.normal();
      last = { seed, values };
    }
    return last.values.subarray(0, count);
  };
}
