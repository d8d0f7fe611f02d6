/** Shape rules shared by several kernels. All throw a plain Error; the caller adds which node it was. */
import { sizeOf } from './graph.ts';

type Shape = readonly number[];

/** NumPy broadcasting of two shapes. */
export function broadcast(a: Shape, b: Shape): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[i - rank + a.length] ?? 1;
    const y = b[i - rank + b.length] ?? 1;
    if (x !== y && x !== 1 && y !== 1) throw new Error(`shapes [${a}] and [${b}] do not broadcast`);
    return x === 1 ? y : x;
  });
}

/** Axes made non-negative and sorted. TensorFlow.js passes a number, a list or nothing (all axes). */
export function normaliseAxes(axis: unknown, rank: number): number[] {
  const list = axis === undefined || axis === null ? range(rank) : Array.isArray(axis) ? axis : [axis];
  return list.map((one: number) => (one < 0 ? one + rank : one)).sort((x: number, y: number) => x - y);
}

export function range(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i);
}

export function reduced(shape: Shape, axes: readonly number[], keepDims: boolean): number[] {
  const drop = new Set(axes);
  return shape.flatMap((dim, i) => (drop.has(i) ? (keepDims ? [1] : []) : [dim]));
}

/** Shape of a matrix product with optional transposes over the last two axes, batch axes broadcast. */
export function matMulShape(a: Shape, b: Shape, transposeA: boolean, transposeB: boolean): number[] {
  const [m, ka] = transposeA ? [a.at(-1)!, a.at(-2)!] : [a.at(-2)!, a.at(-1)!];
  const [kb, n] = transposeB ? [b.at(-1)!, b.at(-2)!] : [b.at(-2)!, b.at(-1)!];
  if (ka !== kb) throw new Error(`inner dimensions of [${a}] and [${b}] differ: ${ka} and ${kb}`);
  return [...broadcast(a.slice(0, -2), b.slice(0, -2)), m, n];
}

/** Resolves one -1 in a target shape. */
export function resolveReshape(from: Shape, to: Shape): number[] {
  const size = sizeOf(from);
  const known = to.filter((dim) => dim >= 0).reduce((x, y) => x * y, 1);
  const shape = to.map((dim) => (dim < 0 ? size / known : dim));
  if (sizeOf(shape) !== size) throw new Error(`cannot reshape [${from}] (${size} elements) to [${to}]`);
  return shape;
}
