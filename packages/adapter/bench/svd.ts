/**
 * Times the principal subspaces of weights.
 *
 * - `npx nx run adapter:bench-svd`: a model of DeBERTaV3-base's size (48 weights of 768 x 768, 12 of 3072 x 768 and 12 of
 *   768 x 3072) at rank 46, converged and with ten iterations, on a flat, a power-law and a gapped spectrum.
 * - `npx nx run adapter:bench-svd -- ROWS COLUMNS RANK [ITERATIONS]`: one weight with so many iterations (10).
 * - `npx nx run adapter:bench-svd -- llama-3.1-8b [RANK] [ITERATIONS]`: a weight of each shape at rank 424, and what the
 *   32 layers of the model would take.
 *
 * FLOPs are those of the matrix products; their share of the peak is the time that they would take at the rate of a
 * product of 2048 x 2048 matrices in the same precision, measured in the same sitting.
 */
import { gemm, type Matrix, RandomStream } from '@psoft/engine';
import { normalMatrix, orthonormalise, scaleColumns } from '../src/math/dense.ts';
import { gramMultiplications } from '../src/math/gramMatrix.ts';
import { isGramCheaper } from '../src/math/lowrank.ts';
import { topSingularTriples } from '../src/math/svd.ts';

interface Shape {
  readonly name?: string;
  readonly rows: number;
  readonly columns: number;
  /** How many of it the model has. */
  readonly count: number;
}

const BASE: readonly Shape[] = [
  { rows: 768, columns: 768, count: 48 },
  { rows: 3072, columns: 768, count: 12 },
  { rows: 768, columns: 3072, count: 12 },
];

/** What PSOFT adapts of Llama-3.1-8B in the paper: Q, K, V, U, D. */
const LLAMA: readonly Shape[] = [
  { name: 'q', rows: 4096, columns: 4096, count: 32 },
  { name: 'k, v', rows: 1024, columns: 4096, count: 64 },
  { name: 'up', rows: 14336, columns: 4096, count: 32 },
  { name: 'down', rows: 4096, columns: 14336, count: 32 },
];

/** Singular values of a weight whose smaller side is n. */
const SPECTRA = {
  flat: undefined,
  'power law': (i: number) => (i + 1) ** -0.7,
  gapped: (i: number, rank: number) => (i < rank ? 2 - i / rank : 0.02),
};

const normal = (rows: number, columns: number, name: string) =>
  normalMatrix(rows, columns, RandomStream.from(1, 'bench', name));

async function weight(
  rows: number,
  columns: number,
  rank: number,
  spectrum: ((i: number, rank: number) => number) | undefined,
): Promise<Matrix<Float32Array>> {
  const n = Math.min(rows, columns);
  if (spectrum === undefined)
    return { rows, columns, data: Float32Array.from(normal(rows, columns, 'w').data) };
  const u = await orthonormalise(normal(rows, n, 'u'));
  const v = await orthonormalise(normal(columns, n, 'v'));
  const s = Float64Array.from({ length: n }, (_, i) => spectrum(i, rank));
  const { data } = await gemm(scaleColumns(u, s), v, { transposeB: true });
  return { rows, columns, data: Float32Array.from(data) };
}

/** Random numbers whose columns shrink: a decaying spectrum, with no large decomposition to make it. */
function decaying(rows: number, columns: number): Matrix<Float32Array> {
  const stream = RandomStream.from(1, 'bench', 'decaying');
  const sizes = Float64Array.from({ length: columns }, (_, j) => 0.05 * (j + 1) ** -0.3);
  const data = new Float32Array(rows * columns);
  for (let i = 0; i < data.length; i++) data[i] = sizes[i % columns]! * (stream.uint32() / 2 ** 31 - 1);
  return { rows, columns, data };
}

/** FLOPs of the products in single and double precision; those of rank x rank matrices are left out. */
function flops({ rows, columns }: Shape, rank: number, iterations: number) {
  const [n, m] = [Math.min(rows, columns), Math.max(rows, columns)];
  const product = 2 * n * m * rank;
  // Scalar products and their use, of vectors of the smaller and the larger side.
  const [small, large] = [4 * n * rank ** 2, 4 * m * rank ** 2];
  const iterated = isGramCheaper({ rows, columns }, rank, iterations)
    ? 2 * gramMultiplications(n, m) + iterations * (2 * n * n * rank + small)
    : iterations * (2 * product + small + large);
  // The start, the larger side's vectors, the residual.
  return { single: 3 * product + small + iterated, double: small + large };
}

/** FLOP/s of a product of two 2048 x 2048 matrices: the best of several. */
async function peak(): Promise<{ single: number; double: number }> {
  const double = normal(2048, 2048, 'peak');
  const single = { ...double, data: new Float32Array(double.data) };
  const best = async (multiply: () => Promise<unknown>) => {
    let seconds = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 6; i++) {
      const start = performance.now();
      await multiply();
      seconds = Math.min(seconds, (performance.now() - start) / 1000);
    }
    return (2 * 2048 ** 3) / seconds;
  };
  return { single: await best(() => gemm(single, single)), double: await best(() => gemm(double, double)) };
}

async function timeLarge(shapes: readonly Shape[], rank: number, iterations: number): Promise<void> {
  let total = 0;
  const options = { method: 'lowrank', iterations, seed: 0 } as const;
  for (const shape of shapes) {
    const { name, rows, columns, count } = shape;
    const w = decaying(rows, columns);
    const before = await peak();
    const seconds: number[] = [];
    let residual = 0;
    for (let i = 0; i < 4; i++) {
      const start = performance.now();
      ({ residual } = await topSingularTriples(w, rank, options));
      seconds.push((performance.now() - start) / 1000);
    }
    const after = await peak();
    // The first warms up, and draws the start that all weights share.
    const median = seconds.slice(1).sort((a, b) => a - b)[1]!;
    const { single, double } = flops(shape, rank, iterations);
    const fastest = (kind: 'single' | 'double') => Math.max(before[kind], after[kind]);
    const ideal = single / fastest('single') + double / fastest('double');
    console.log(
      `${name === undefined ? '' : `${name}: `}${rows} x ${columns}, rank ${rank}, ${iterations} iterations` +
        `${isGramCheaper(shape, rank, iterations) ? ' with the Gram matrix' : ''}: ${median.toFixed(2)} s ` +
        `(first ${seconds[0]!.toFixed(2)}); ${((single + double) / 1e9).toFixed(0)} GFLOP at ` +
        `${((single + double) / median / 1e9).toFixed(0)} GFLOP/s, ${((100 * ideal) / median).toFixed(0)} % of the peak ` +
        `(${(fastest('single') / 1e9).toFixed(0)}, double ${(fastest('double') / 1e9).toFixed(0)}); residual ${residual.toExponential(1)}`,
    );
    total += count * median;
  }
  if (shapes.length > 1)
    console.log(
      `all ${shapes.reduce((n, { count }) => n + count, 0)} weights: about ${total.toFixed(0)} s, reading not counted`,
    );
}

async function timeBase(rank: number): Promise<void> {
  for (const [name, spectrum] of Object.entries(SPECTRA))
    for (const options of [{ method: 'full' }, { method: 'lowrank', iterations: 10, seed: 0 }] as const) {
      let seconds = 0;
      let processor = 0;
      let residual = 0;
      let products = 0;
      for (const { rows, columns, count } of BASE) {
        const w = await weight(rows, columns, rank, spectrum);
        const start = performance.now();
        const before = process.cpuUsage();
        for (let i = 0; i < count; i++) {
          const triples = await topSingularTriples(w, rank, options);
          residual = Math.max(residual, triples.residual);
          products = Math.max(products, triples.products);
        }
        seconds += (performance.now() - start) / 1000;
        const { user, system } = process.cpuUsage(before);
        processor += (user + system) / 1e6;
      }
      console.log(
        `${name}, ${options.method}: ${seconds.toFixed(1)} s (${processor.toFixed(1)} s of processor time) for ${BASE.reduce((n, { count }) => n + count, 0)} weights ` +
          `at rank ${rank}; residual at most ${residual.toExponential(1)}, products at most ${products}`,
      );
    }
}

const [first, ...rest] = process.argv.slice(2);
if (first === undefined) await timeBase(46);
else if (first === 'llama-3.1-8b') await timeLarge(LLAMA, Number(rest[0] ?? 424), Number(rest[1] ?? 10));
else {
  const [rows, columns, rank, iterations = 10] = [first, ...rest].map(Number);
  if (![rows, columns, rank, iterations].every((value) => Number.isInteger(value)))
    throw new Error(
      `bench-svd takes nothing, llama-3.1-8b or ROWS COLUMNS RANK, got "${process.argv.slice(2).join(' ')}"`,
    );
  await timeLarge([{ rows: rows!, columns: columns!, count: 1 }], rank!, iterations);
}
