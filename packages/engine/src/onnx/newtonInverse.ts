/** The inverse of matrices where nothing inverts them: from products. */
import { range } from '../ir/shapes.ts';
import type { OnnxBuilder } from './builder.ts';

/** Enough to converge while |A|₁ |A|∞ / σ² is below 14,000, with σ the smallest singular value of A. */
const STEPS = 18;
/** Squared Frobenius norm of I - A X before the last step, which squares it. */
const CONVERGED = 1e-5;

/**
 * Newton's iteration X ← X (2 I - A X) from X = Aᵀ / (|A|₁ |A|∞) (Ben-Israel and Cohen 1966; Pan and Reif 1985), which
 * converges quadratically for every non-singular A and leaves rounding errors as elimination does. For A = I - Q with Q
 * skew-symmetric, as in a Cayley map, σ is at least 1: it converges while |A|₁ is below 118.
 * @param x name of a batch of square matrices of `shape`
 * @returns name of their inverses; NaN wherever the steps did not suffice
 */
export function newtonInverse(x: string, shape: readonly number[], onnx: OnnxBuilder): string {
  const [rank, n] = [shape.length, shape.at(-1)!];
  const eye = Float32Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));
  const identity = onnx.constant(eye, [n, n]);
  const twice = onnx.constant(
    eye.map((one) => 2 * one),
    [n, n],
  );
  const size = onnx.emit('Abs', [x]);
  const [norm1, normInf] = [rank - 2, rank - 1].map((axis) => {
    const sums = onnx.emit('ReduceSum', [size, onnx.ints([axis])], { keepdims: 1 });
    return onnx.emit('ReduceMax', [sums, onnx.ints([2 * rank - 3 - axis])], { keepdims: 1 });
  });
  const perm = [...range(rank - 2), rank - 1, rank - 2];
  let y = onnx.emit('Div', [onnx.emit('Transpose', [x], { perm }), onnx.emit('Mul', [norm1!, normInf!])]);
  for (let step = 1; step < STEPS; step++)
    y = onnx.emit('MatMul', [y, onnx.emit('Sub', [twice, onnx.emit('MatMul', [x, y])])]);
  // The last step by the residual, which is small: the sum then has the rounding errors of one product less.
  const rest = onnx.emit('Sub', [identity, onnx.emit('MatMul', [x, y])]);
  y = onnx.emit('Add', [y, onnx.emit('MatMul', [y, rest])]);
  const error = onnx.emit('ReduceSumSquare', [rest, onnx.ints([rank - 2, rank - 1])], { keepdims: 1 });
  const isConverged = onnx.emit('LessOrEqual', [error, onnx.scalar(CONVERGED, 'float32')]);
  return onnx.emit('Where', [isConverged, y, onnx.scalar(Number.NaN, 'float32')]);
}
