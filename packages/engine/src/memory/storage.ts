/** How many bytes values take, which of them share memory, and which lie in 16 bits. */
import { type Dtype, type Graph, type GraphNode, sizeOf, type Value } from '../ir/graph.ts';
import { isReshape } from '../kernels/layout.ts';
import type { HalfWeights } from '../run/session.ts';
import type { WeightSource } from '../weights/source.ts';

const ELEMENT_BYTES: Record<Dtype, number> = { float32: 4, int32: 4, bool: 1 };

/** Bytes of a value as ONNX Runtime holds it between two nodes. */
export function bytesOf(value: Value): number {
  return sizeOf(value.shape) * ELEMENT_BYTES[value.dtype];
}

/** Whether a node's output is its input under another shape: no memory of its own. */
function isView({ op }: GraphNode): boolean {
  return isReshape(op) || op === 'Identity' || op === 'Checkpoint';
}

/** Which value's memory each value lies in: its own, or for a view that of what it looks at. */
export function storageOf(nodes: readonly GraphNode[]): (value: Value) => Value {
  const roots = new Map<Value, Value>();
  const root = (value: Value) => roots.get(value) ?? value;
  for (const node of nodes) if (isView(node)) roots.set(node.outputs[0]!, root(node.inputs[0]!));
  return root;
}

/** Whether a weight is stored in 16 bits. */
export function isHalf(source: WeightSource): boolean {
  return source.kind === 'file' && source.dtype !== 'F32';
}

/** Weights in 16 bits of less than this are widened unless asked otherwise: their copies cost less than the time. */
const SMALL_BYTES = 1e9;

/** Whether a graph's 16-bit weights stay as they are, of those it has. */
export function areInPlace(
  graph: Graph,
  weights: ReadonlyMap<string, WeightSource>,
  asked: HalfWeights | undefined,
): boolean {
  let bytes = 0;
  for (const name of graph.weights.keys()) {
    const source = weights.get(name)!;
    if (source.kind === 'file' && isHalf(source)) bytes += source.byteLength;
  }
  return bytes > 0 && (asked === undefined ? bytes >= SMALL_BYTES : asked === 'inPlace');
}
