/** What a session will need, from its graph alone: nothing is run, and no weight is read. */
import { bytesOf, type Graph, type GraphNode, typeText, type Value } from '../ir/graph.ts';
import { loopParts } from '../kernels/loop.ts';
import type { HalfWeights } from '../run/session.ts';
import { placesOf } from '../weights/moved.ts';
import { storedBytes } from '../weights/read.ts';
import type { WeightSource } from '../weights/source.ts';
import { isForward, isPieceable } from './narrow.ts';
import { planExecution } from './order.ts';
import { peak } from './peak.ts';
import { type SessionWeights, storageOf, storedWeights } from './storage.ts';

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
  /** As in compiling. */
  readonly halfWeights?: HalfWeights;
  /** As in compiling. */
  readonly packWeights?: boolean;
}

const PRODUCTS = new Set(['BatchMatMul', 'Gemm', '_FusedMatMul']);

/** Memory of a session on the CPU that runs `graph`, by the lifetimes of its values in the order of execution. */
export function estimateMemory(
  graph: Graph,
  sources: ReadonlyMap<string, WeightSource>,
  options: EstimateOptions = {},
): MemoryEstimate {
  const weights = placesOf(sources);
  const sum = (values: Iterable<Value>) => [...values].reduce((bytes, value) => bytes + bytesOf(value), 0);
  const stored = storedWeights(graph, weights, options);
  let weightsBytes = 0;
  for (const [name, value] of graph.weights) {
    const source = weights.get(name)!;
    weightsBytes += source.kind === 'data' ? bytesOf(value) : storedBytes(source);
  }
  const folded = stored.areHalvesInPlace ? new Set<GraphNode>() : constantNodes(graph, stored);
  const order = planExecution(graph).order.filter((node) => !folded.has(node));
  const { bytes, node } = peak(graph, order, stored);
  return {
    weightsBytes,
    packedBytes: packedBytes(graph, stored, folded) + quantizedCopies(graph, stored),
    constantsBytes: sum(graph.constants.keys()),
    inputsBytes: sum(graph.inputs.values()),
    outputsBytes: sum(graph.outputs.values()),
    peakActivationBytes: bytes,
    peakNode: node === undefined ? undefined : describe(node),
  };
}

/** What ONNX Runtime computes once for all, unless weights in place forbid it: nodes that read no input. */
function constantNodes(graph: Graph, { quantized }: SessionWeights): Set<GraphNode> {
  const constant = new Set<Value>([...floats(graph, quantized), ...graph.constants.keys()]);
  const nodes = new Set<GraphNode>();
  for (const node of graph.nodes) {
    if (!node.inputs.every((input) => constant.has(input))) continue;
    nodes.add(node);
    for (const output of node.outputs) constant.add(output);
  }
  return nodes;
}

/**
 * ONNX Runtime packs a product's constant right operand, once as it is and once transposed where both are asked for,
 * and then lets go of a copy that it made, unless something else reads that.
 */
function packedBytes(
  graph: Graph,
  { half, narrow, quantized, isPacked }: SessionWeights,
  folded: ReadonlySet<GraphNode>,
): number {
  const root = storageOf(graph.nodes);
  const copies = new Set<Value>([...half.keys(), ...[...folded].flatMap(({ outputs }) => outputs.map(root))]);
  const constant = new Set<Value>([...floats(graph, quantized), ...copies]);
  const kept = new Set<Value>();
  const packed = new Map<string, Value>();
  // Equal copies are packed once: all roundings of a weight, such as of a product and of its recomputation.
  const origin = new Map<Value, Value>();
  for (const { op, inputs, outputs } of folded)
    if (op === 'RoundTo') origin.set(outputs[0]!, root(inputs[0]!));
  for (const node of graph.nodes) {
    if (folded.has(node)) continue;
    node.inputs.forEach((input, i) => {
      const value = root(input);
      if (!constant.has(value) || narrow.has(value)) return;
      if (isPacked && PRODUCTS.has(node.op) && i === 1 && input.shape.length === 2)
        packed.set(`${(origin.get(value) ?? value).id} ${node.attrs.transposeB === true}`, value);
      else if (copies.has(value)) kept.add(value);
    });
  }
  return [...packed.values(), ...kept].reduce((bytes, value) => bytes + bytesOf(value), 0);
}

/** Weights that are not in 4 bits. */
function floats(graph: Graph, quantized: SessionWeights['quantized']): Value[] {
  return [...graph.weights.values()].filter((value) => !quantized.has(value));
}

/** Weights in 4 bits that products forward read are laid out once, and F16 scales widened unless they stay in place. */
function quantizedCopies(graph: Graph, { quantized, isPacked, areHalvesInPlace }: SessionWeights): number {
  const forward = new Set<Value>();
  const see = (
    nodes: Graph['nodes'],
    weights: SessionWeights['quantized'],
    outer: (value: Value) => Value,
  ) => {
    for (const node of nodes) {
      const b = node.inputs[1];
      if (b !== undefined && weights.has(b) && isPieceable(node) && isForward(node)) forward.add(outer(b));
      if (node.op !== 'Loop') continue;
      const { graph: body, inputs } = loopParts(node);
      const outside = new Map(inputs.map((value, i) => [value, node.inputs[i + 1]!]));
      const inside = [...outside].flatMap(([value, from]) => {
        const source = weights.get(from);
        return source === undefined ? [] : [[value, source] as const];
      });
      see(body.nodes, new Map(inside), (value) => outer(outside.get(value)!));
    }
  };
  see(graph.nodes, quantized, (value) => value);
  let bytes = 0;
  for (const [value, { packed, scales }] of quantized) {
    if (isPacked && forward.has(value)) bytes += packed.byteLength;
    if (scales.dtype === 'F16' && !areHalvesInPlace) bytes += 2 * scales.byteLength;
  }
  return bytes;
}

function describe({ op, inputs, outputs }: GraphNode): string {
  return `${outputs.map(typeText).join(', ')} = ${op}(${inputs.map(typeText).join(', ')})`;
}
