/** How many bytes values take, which of them share memory, and which lie in fewer bits. */
import type { Graph, GraphNode, Value } from '../ir/graph.ts';
import { isReshape } from '../kernels/layout.ts';
import type { HalfWeights } from '../run/session.ts';
import { storedBytes } from '../weights/read.ts';
import type { QuantizedWeight, WeightReference, WeightSource } from '../weights/source.ts';
import { isForward, isPieceable, type NarrowWeight, narrowReads } from './narrow.ts';

/** Whether a node's output is its input under another shape: no memory of its own. */
function isView({ op }: GraphNode): boolean {
  return isReshape(op) || op === 'Identity' || op === 'Checkpoint';
}

/** Which value's memory each value lies in: its own, or for a view that of what it looks at. */
export function storageOf(
  nodes: readonly GraphNode[],
  { narrow }: Pick<StoredWeights, 'narrow'> = AS_FLOAT32,
): (value: Value) => Value {
  const roots = new Map<Value, Value>();
  const root = (value: Value) => roots.get(value) ?? value;
  const reads = narrowReads(nodes, narrow);
  for (const node of nodes) {
    const y = node.outputs[0]!;
    if (isView(node) || reads.has(y)) roots.set(y, root(node.inputs[0]!));
  }
  return root;
}

/** How a session holds weights that it does not hold in float32. */
export interface StoredWeights {
  /** Weights of which each reader makes float32 values for itself: in 4 bits, and in 16 where those stay in place. */
  readonly narrow: ReadonlyMap<Value, NarrowWeight>;
  /** Whether ONNX Runtime lays weights out for its products; products forward then leave 4 bits as they are. */
  readonly isPacked: boolean;
  /** Whether what is in 16 bits, scales among it, stays in place. */
  readonly areHalvesInPlace: boolean;
}

export const AS_FLOAT32: StoredWeights = { narrow: new Map(), isPacked: true, areHalvesInPlace: false };

export interface SessionWeights extends StoredWeights {
  /** Weights stored in 16 bits. */
  readonly half: ReadonlyMap<Value, WeightReference>;
  /** Weights stored in 4 bits. */
  readonly quantized: ReadonlyMap<Value, QuantizedWeight>;
}

/** What of a graph is stored in 16 and in 4 bits, and how a session with these options treats it. */
export function storedWeights(
  graph: Graph,
  weights: ReadonlyMap<string, WeightSource>,
  { halfWeights, packWeights }: WeightOptions = {},
): SessionWeights {
  const half = new Map<Value, WeightReference>();
  const quantized = new Map<Value, QuantizedWeight>();
  for (const [name, value] of graph.weights) {
    const source = weights.get(name)!;
    if (source.kind === 'quantized') quantized.set(value, source);
    else if (isHalf(source)) half.set(value, source);
  }
  const scales = [...quantized.values()].map((one) => one.scales).filter(isHalf);
  const halfBytes = bytesStored([...half.values(), ...scales]);
  const isLarge = bytesStored(quantized.values()) >= SMALL_BYTES;
  const asked = halfWeights ?? (isLarge || halfBytes >= SMALL_BYTES ? 'inPlace' : 'widened');
  const areHalvesInPlace = halfBytes > 0 && asked === 'inPlace';
  return {
    half,
    quantized,
    narrow: new Map<Value, NarrowWeight>([...quantized, ...(areHalvesInPlace ? half : [])]),
    areHalvesInPlace,
    isPacked: packWeights ?? !(isLarge && isTrainedThrough(graph, quantized)),
  };
}

function bytesStored(sources: Iterable<WeightSource>): number {
  let bytes = 0;
  for (const source of sources) bytes += storedBytes(source);
  return bytes;
}

export interface WeightOptions {
  readonly halfWeights?: HalfWeights | undefined;
  readonly packWeights?: boolean | undefined;
}

/** Whether a weight is stored in 16 bits. */
export function isHalf(source: WeightSource): source is WeightReference {
  return source.kind === 'file' && source.dtype !== 'F32';
}

/**
 * Weights in 16 bits of less than this are widened unless asked otherwise, and weights in 4 bits laid out for products:
 * their copies cost less than the time. Beside more than this in 4 bits, what is in 16 stays as it is too.
 */
const SMALL_BYTES = 1e9;

/** Whether gradients go through one of these weights: its float32 values are then made anyway. */
function isTrainedThrough(graph: Graph, quantized: ReadonlyMap<Value, QuantizedWeight>): boolean {
  const reads = narrowReads(graph.nodes, quantized);
  return graph.nodes.some((node) => isPieceable(node) && !isForward(node) && reads.has(node.inputs[1]!));
}
