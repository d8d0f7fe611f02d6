/** Weights with known kinds of spectra, and what singular vectors must satisfy. */
import type { Matrix } from '@psoft/engine';
import { expect } from 'vitest';
import type { SingularTriples } from '../src/index.ts';

/** In [-1, 1): a mixed counter, the same in the Python script. */
export function uniform(count: number, seed: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => {
    let h = Math.imul(i + seed * 1_000_003, 0x9e3779b1);
    h = Math.imul(h ^ (h >>> 15), 0x85ebca77);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae3d);
    return ((h ^ (h >>> 16)) >>> 0) / 2 ** 31 - 1;
  });
}

export type Kind = 'flat' | 'power law' | 'gapped';

/** The weights of tools/reference/psoft.py. */
export function matrix(kind: Kind, rows: number, columns: number): Matrix<Float32Array> {
  const w = uniform(rows * columns, 1);
  if (kind === 'power law')
    w.forEach((value, i) => {
      w[i] = value * (1 + Math.floor(i / columns)) ** -0.5 * (1 + (i % columns)) ** -0.5;
    });
  if (kind === 'gapped') {
    const [left, right] = [uniform(rows * 12, 2), uniform(12 * columns, 3)];
    w.forEach((value, i) => {
      let sum = 0.01 * value;
      for (let k = 0; k < 12; k++)
        sum += left[Math.floor(i / columns) * 12 + k]! * right[k * columns + (i % columns)]!;
      w[i] = sum;
    });
  }
  return { rows, columns, data: Float32Array.from(w) };
}

/** Largest entry of XᵀX - I, X [n, rank]. */
export function departure(x: (i: number, column: number) => number, n: number, rank: number): number {
  let worst = 0;
  for (let a = 0; a < rank; a++)
    for (let b = a; b < rank; b++) {
      let sum = a === b ? -1 : 0;
      for (let i = 0; i < n; i++) sum += x(i, a) * x(i, b);
      worst = Math.max(worst, Math.abs(sum));
    }
  return worst;
}

export function expectOrthonormal({ u, vt }: SingularTriples, w: Matrix, rank: number): void {
  expect(departure((i, column) => u[i * rank + column]!, w.rows, rank)).toBeLessThan(1e-6);
  expect(departure((i, column) => vt[column * w.columns + i]!, w.columns, rank)).toBeLessThan(1e-6);
}
