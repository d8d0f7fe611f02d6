/** The Gram matrix of the smaller side of a weight. */
import { gemm, type Matrix } from '@psoft/engine';

/** Vectors multiplied at a time. */
const PANEL = 512;

/**
 * W Wᵀ for a wide W, WᵀW for a tall one, in the precision of W. It is symmetric: blocks above the diagonal are copied
 * from below, which saves nearly half of the work.
 * @param w [rows, columns]
 * @returns [n, n], n = min(rows, columns)
 */
export async function gramMatrix<T extends Float32Array | Float64Array>(w: Matrix<T>): Promise<Matrix<T>> {
  const isWide = w.rows <= w.columns;
  const n = Math.min(w.rows, w.columns);
  const transposition = isWide ? { transposeB: true } : { transposeA: true };
  if (n <= 2 * PANEL) return gemm(w, w, transposition);
  const panels = isWide ? rowPanels(w) : columnPanels(w);
  const data = emptyLike(w.data, n * n);
  for (const [i, left] of panels.entries())
    for (const [j, right] of panels.slice(0, i + 1).entries()) {
      const block = await gemm(left, right, transposition);
      place(data, n, block, i * PANEL, j * PANEL, i !== j);
    }
  return { rows: n, columns: n, data };
}

/** Multiplications that {@link gramMatrix} takes for n vectors of length m. */
export function gramMultiplications(n: number, m: number): number {
  const panels = n <= 2 * PANEL ? 1 : Math.ceil(n / PANEL);
  return (n * n * m * (panels + 1)) / (2 * panels);
}

/** Views, not copies. */
function rowPanels<T extends Float32Array | Float64Array>({ rows, columns, data }: Matrix<T>): Matrix<T>[] {
  const panels: Matrix<T>[] = [];
  for (let first = 0; first < rows; first += PANEL) {
    const count = Math.min(PANEL, rows - first);
    const view = data.subarray(first * columns, (first + count) * columns) as T;
    panels.push({ rows: count, columns, data: view });
  }
  return panels;
}

function columnPanels<T extends Float32Array | Float64Array>({
  rows,
  columns,
  data,
}: Matrix<T>): Matrix<T>[] {
  const panels: Matrix<T>[] = [];
  for (let first = 0; first < columns; first += PANEL) {
    const count = Math.min(PANEL, columns - first);
    const panel = emptyLike(data, rows * count);
    for (let row = 0; row < rows; row++) {
      const from = row * columns + first;
      panel.set(data.subarray(from, from + count), row * count);
    }
    panels.push({ rows, columns: count, data: panel });
  }
  return panels;
}

/** Rows and columns mirrored together: their cache lines are then written while they are near. */
const TILE = 32;

function place<T extends Float32Array | Float64Array>(
  into: T,
  n: number,
  { rows, columns, data }: Matrix<T>,
  top: number,
  left: number,
  isMirrored: boolean,
): void {
  for (let i = 0; i < rows; i++)
    into.set(data.subarray(i * columns, (i + 1) * columns), (top + i) * n + left);
  if (!isMirrored) return;
  for (let first = 0; first < rows; first += TILE)
    for (let j = 0, end = Math.min(first + TILE, rows); j < columns; j++) {
      const row = (left + j) * n + top;
      for (let i = first; i < end; i++) into[row + i] = data[i * columns + j]!;
    }
}

function emptyLike<T extends Float32Array | Float64Array>(data: T, length: number): T {
  return (data instanceof Float32Array ? new Float32Array(length) : new Float64Array(length)) as T;
}
