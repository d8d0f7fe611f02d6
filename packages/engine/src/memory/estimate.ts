/** What a session will need, from its graph alone: nothing is run, and no weight is read. */
import { type Graph, type GraphNode, typeText, type Value } from '../ir/graph.ts';
import type { HalfWeights } from '../run/session.ts';
import type { WeightSource } from '../weights/source.ts';
import { planExecution } from './order.ts';
import { peak } from './peak.ts';
import { bytesOf, isHalf, storageOf } from './storage.ts';

export interface MemoryEstimate {
  /** Weights as they are stored: bytes of files, which are mapped and shared, or of arrays. */
  readonly weightsBytes: number;
  /** float32 copies of weights that the session makes for itself: packed for products, or widened. */
  readonly packedBytes: number;
  readonly constantsBytes: number;
  readonly inputsBytes: number;
  readonly outputsBytes: number;
  /** Most that computed values, outputs among them, take at one time. */
  readonly peakActivationBytes: number;
  /** The node at which they do, as text; undefined if nothing is computed. */
  readonly peakNode: string | undefined;
}

export interface EstimateOptions {
  /** As in compiling; default "inPlace". */
  readonly halfWeights?: HalfWeights;
}

const PRODUCTS = new Set(['BatchMatMul', 'Gemm', '_FusedMatMul']);

/** Memory of a session on the CPU that runs `graph`, by the lifetimes of its values in the order of execution. */
export function estimateMemory(
  graph: Graph,
  weights: ReadonlyMap<string, WeightSource>,
  { halfWeights = 'inPlace' }: EstimateOptions = {},
): MemoryEstimate {
  const sum = (values: Iterable<Value>) => [...values].reduce((bytes, value) => bytes + bytesOf(value), 0);
  const half = new Set<Value>();
  let weightsBytes = 0;
  for (const [name, value] of graph.weights) {
    const source = weights.get(name)!;
    weightsBytes += source.kind === 'file' ? source.byteLength : bytesOf(value);
    if (isHalf(source)) half.add(value);
  }
  const inPlace = halfWeights === 'inPlace' ? half : new Set<Value>();
  const { order } = planExecution(graph);
  const { bytes, node } = peak(graph, order, inPlace);
  return {
    weightsBytes,
    packedBytes: packedBytes(graph, half, inPlace),
    constantsBytes: sum(graph.constants.keys()),
    inputsBytes: sum(graph.inputs.values()),
    outputsBytes: sum(graph.outputs.values()),
    peakActivationBytes: bytes,
    peakNode: node === undefined ? undefined : describe(node),
  };
}

/**
 * ONNX Runtime packs a product's constant right operand, once as it is and once transposed where both are asked for,
 * and then lets go of a widened original, unless something else reads it.
 */
function packedBytes(graph: Graph, half: ReadonlySet<Value>, inPlace: ReadonlySet<Value>): number {
  const root = storageOf(graph.nodes);
  const frozen = new Set(graph.weights.values());
  const kept = new Set<Value>();
  const packed = new Map<string, Value>();
  for (const { op, inputs, attrs } of graph.nodes)
    inputs.forEach((input, i) => {
      const weight = root(input);
      if (!frozen.has(weight) || inPlace.has(weight)) return;
      if (PRODUCTS.has(op) && i === 1 && input.shape.length === 2)
        packed.set(`${weight.id} ${attrs.transposeB === true}`, weight);
      else if (half.has(weight)) kept.add(weight);
    });
  return [...packed.values(), ...kept].reduce((bytes, weight) => bytes + bytesOf(weight), 0);
}

function describe({ op, inputs, outputs }: GraphNode): string {
  return `${outputs.map(typeText).join(', ')} = ${op}(${inputs.map(typeText).join(', ')})`;
}
