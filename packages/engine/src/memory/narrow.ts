/**
 * Weights in fewer bits than float32's, of which each reader makes float32 values for itself: how many at a time, and
 * what that takes.
 */
import { type GraphNode, sizeOf, type Value } from '../ir/graph.ts';
import type { QuantizedWeight, WeightReference } from '../weights/source.ts';
import type { StoredWeights } from './storage.ts';

/** In 4 bits, or in 16. */
export type NarrowWeight = QuantizedWeight | WeightReference;

/** Most bytes of a weight's float32 values that a product makes at once. */
export const PIECE_BYTES = 2 ** 26;

export interface Piece {
  /** First row. */
  readonly first: number;
  readonly rows: number;
}

/** Pieces of nearly equal size. @param shape [out, in] */
export function piecesOf([rows, columns]: readonly [number, number]): Piece[] {
  const most = Math.max(1, Math.floor(PIECE_BYTES / (4 * columns)));
  const count = Math.ceil(rows / most);
  const place = (i: number) => Math.floor((i * rows) / count);
  return Array.from({ length: count }, (_, i) => ({ first: place(i), rows: place(i + 1) - place(i) }));
}

/** Whether a node is a product x Wᵀ or dy W of matrices: rows of W can then be taken piece by piece. */
export function isPieceable({ op, inputs, attrs }: GraphNode): boolean {
  const isProduct = op === 'BatchMatMul' || op === 'Gemm';
  return (
    isProduct && attrs.transposeA !== true && inputs.every(({ shape }, i) => i > 1 || shape.length === 2)
  );
}

/** Whether a product is the model's own way forward, x Wᵀ. */
export function isForward({ attrs }: GraphNode): boolean {
  return attrs.transposeB === true;
}

/** A narrow weight as a node reads it. */
export interface NarrowRead<W extends NarrowWeight = NarrowWeight> {
  readonly source: W;
  /** Whether its values are rounded to 16 bits. */
  readonly isRounded: boolean;
}

/** The values of `nodes` that are a narrow weight, as it is or rounded: rounding is left to the readers. */
export function narrowReads<W extends NarrowWeight>(
  nodes: readonly GraphNode[],
  narrow: ReadonlyMap<Value, W>,
): Map<Value, NarrowRead<W>> {
  const reads = new Map([...narrow].map(([value, source]) => [value, { source, isRounded: false }]));
  for (const { op, inputs, outputs } of nodes) {
    const read = op === 'RoundTo' ? reads.get(inputs[0]!) : undefined;
    if (read !== undefined) reads.set(outputs[0]!, { ...read, isRounded: true });
  }
  return reads;
}

/** Bytes that a node takes to read a narrow weight, beside its other inputs and its result. */
export function bytesToRead(
  node: GraphNode,
  input: Value,
  { source, isRounded }: NarrowRead,
  { isPacked, areHalvesInPlace }: StoredWeights,
): number {
  const isInHalf = source.kind === 'file';
  // Rows of a table in 16 bits are picked before they are widened.
  if (isInHalf && node.op === 'GatherV2' && input === node.inputs[0])
    return (isRounded ? 4 : 2) * sizeOf(node.outputs[0]!.shape);
  const hasScales = !isInHalf && source.scales.dtype === 'F16' && areHalvesInPlace;
  const scaleBytes = hasScales ? 4 / source.blockSize : 0;
  // Where values are rounded the scales are gone by then.
  const elementBytes = 4 + Math.max(scaleBytes, isRounded ? 2 : 0);
  const size = sizeOf(source.shape);
  if (!isPieceable(node) || input !== node.inputs[1]) return size * elementBytes;
  if (!isInHalf && isPacked && !isRounded && isForward(node)) return size * scaleBytes;
  const [, columns] = source.shape as readonly [number, number];
  const pieces = piecesOf(source.shape as readonly [number, number]);
  const most = Math.max(...pieces.map(({ rows }) => rows));
  const piece = most * columns * elementBytes;
  if (pieces.length === 1) return piece;
  // The result in pieces; or the sum so far, and some columns of what is multiplied.
  const beside = isForward(node) ? 0 : node.inputs[0]!.shape[0]! * most;
  return piece + 4 * (sizeOf(node.outputs[0]!.shape) + beside);
}
