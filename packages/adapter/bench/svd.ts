/**
 * Times the principal subspaces of a DeBERTaV3-base sized model: 48 weights of 768 x 768, 12 of 3072 x 768 and 12 of
 * 768 x 3072, at rank 46, with a flat (Gaussian), a power-law and a gapped spectrum.
 * Run: npx nx run adapter:bench-svd [-- ROWS COLUMNS RANK]
 */
import { gemm, type Matrix, RandomStream } from '@psoft/engine';
import { normalMatrix, orthonormalise, scaleColumns } from '../src/math/dense.ts';
import { topSingularTriples } from '../src/math/svd.ts';

/** Singular values of a weight whose smaller side is n. */
const SPECTRA = {
  flat: undefined,
  'power law': (i: number) => (i + 1) ** -0.7,
  gapped: (i: number, rank: number) => (i < rank ? 2 - i / rank : 0.02),
};

async function weight(
  rows: number,
  columns: number,
  rank: number,
  spectrum: ((i: number, rank: number) => number) | undefined,
): Promise<Matrix<Float32Array>> {
  const n = Math.min(rows, columns);
  const normal = (r: number, c: number, name: string) =>
    normalMatrix(r, c, RandomStream.from(1, 'bench', name));
  if (spectrum === undefined)
    return { rows, columns, data: Float32Array.from(normal(rows, columns, 'w').data) };
  const u = await orthonormalise(normal(rows, n, 'u'));
  const v = await orthonormalise(normal(columns, n, 'v'));
  const s = Float64Array.from({ length: n }, (_, i) => spectrum(i, rank));
  const { data } = await gemm(scaleColumns(u, s), v, { transposeB: true });
  return { rows, columns, data: Float32Array.from(data) };
}

const [givenRows, givenColumns, givenRank] = process.argv.slice(2).map(Number);
const shapes =
  givenRows === undefined
    ? [
        { rows: 768, columns: 768, count: 48 },
        { rows: 3072, columns: 768, count: 12 },
        { rows: 768, columns: 3072, count: 12 },
      ]
    : [{ rows: givenRows, columns: givenColumns!, count: 1 }];
const rank = givenRank ?? 46;
for (const [name, spectrum] of Object.entries(SPECTRA))
  for (const options of [{ method: 'full' }, { method: 'lowrank', iterations: 10, seed: 0 }] as const) {
    let seconds = 0;
    let processor = 0;
    let residual = 0;
    let products = 0;
    for (const { rows, columns, count } of shapes) {
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
      `${name}, ${options.method}: ${seconds.toFixed(1)} s (${processor.toFixed(1)} s of processor time) for ${shapes.reduce((n, { count }) => n + count, 0)} weights ` +
        `at rank ${rank}; residual at most ${residual.toExponential(1)}, products at most ${products}`,
    );
  }
