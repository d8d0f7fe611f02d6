/** Graph -> ONNX: every node through its row of the kernel table, weights as external data. */
import path from 'node:path';
import { type Graph, type TypedArray, typeText, type Value } from '../ir/graph.ts';
import { kernelFor } from '../kernels/index.ts';
import { planExecution } from '../memory/order.ts';
import { isHalf } from '../memory/storage.ts';
import type { WeightSource } from '../weights/source.ts';
import { type NamedKernel, ONNX_DTYPE, OnnxBuilder } from './builder.ts';
import { bindNarrow, WEIGHT_TYPE } from './narrow.ts';
import { type OnnxModel, OnnxType, type OnnxValueInfo } from './proto.ts';
import { ANY_TARGET, type Target } from './target.ts';

/** Tensors of more bytes than this go to external data: a protobuf over 2 GB is refused, and parsing one is slow. */
const MAX_INLINE_BYTES = 1024;

/** A tensor in memory that has to lie in a file before a session can be made. */
export interface Blob {
  readonly offset: number;
  readonly data: TypedArray;
}

export interface LoweredProgram {
  readonly model: OnnxModel;
  /** What `blobFile` must hold. */
  readonly blobs: readonly Blob[];
  /** Operators of our own in the model. */
  readonly kernels: readonly NamedKernel[];
  /** Folder that every external location is relative to. */
  readonly folder: string;
}

export interface LowerOptions {
  /** Whether weights stored in 16 bits are widened at each of their uses, and not once for all. */
  readonly widenAtUse?: boolean;
  /** Whether ONNX Runtime lays weights out for its products. */
  readonly packWeights?: boolean;
  /** Where the model is going to run. */
  readonly target?: Target;
}

/**
 * Lowers a graph. Weights in files are referenced where they lie; constants and weights in memory are laid out in
 * `blobFile`, which the caller writes.
 */
export function lower(
  graph: Graph,
  weights: ReadonlyMap<string, WeightSource>,
  name: string,
  blobFile: string,
  { widenAtUse = false, packWeights = true, target = ANY_TARGET }: LowerOptions = {},
): LoweredProgram {
  const onnx = new OnnxBuilder(undefined, target);
  const blobs: Blob[] = [];
  let blobBytes = 0;
  const files = [...graph.weights.keys()].flatMap((key) => filesOf(weights.get(key)!));
  const folder = commonFolder([blobFile, ...files]);

  const external = (file: string, offset: number, length: number) => ({
    location: path.relative(folder, file).split(path.sep).join('/'),
    offset,
    length,
  });
  const inBlob = (data: TypedArray) => {
    const content = external(blobFile, blobBytes, data.byteLength);
    blobs.push({ offset: blobBytes, data });
    blobBytes += Math.ceil(data.byteLength / 64) * 64;
    return content;
  };

  const info = (
    value: { shape: readonly number[]; dtype: keyof typeof ONNX_DTYPE },
    name: string,
  ): OnnxValueInfo => ({
    name,
    type: ONNX_DTYPE[value.dtype],
    dims: value.shape,
  });

  const inputs = [...graph.inputs].map(([key, value]) => {
    onnx.bind(value, `in:${key}`);
    return info(value, `in:${key}`);
  });
  for (const [key, value] of graph.weights) {
    const source = weights.get(key)!;
    const stored = `weight:${key}`;
    if (source.kind === 'quantized' || (widenAtUse && isHalf(source))) {
      bindNarrow(value, { name: stored, source, external, isPacked: packWeights }, onnx);
      continue;
    }
    const type = source.kind === 'file' ? WEIGHT_TYPE[source.dtype] : OnnxType.FLOAT;
    const content =
      source.kind === 'file' ? external(source.file, source.offset, source.byteLength) : inBlob(source.data);
    onnx.initializers.push({ name: stored, type, dims: value.shape, content });
    onnx.bind(value, type === OnnxType.FLOAT ? stored : onnx.cast(stored, 'float32'));
  }
  for (const [value, data] of graph.constants) {
    if (data.byteLength <= MAX_INLINE_BYTES) {
      onnx.captured(value, data);
      continue;
    }
    const stored = `constant:${value.id}`;
    onnx.initializers.push({
      name: stored,
      type: ONNX_DTYPE[value.dtype],
      dims: value.shape,
      content: inBlob(data),
    });
    onnx.bind(value, stored);
  }

  const { anchored } = planExecution(graph);
  const outputNames = new Map<Value, string[]>();
  for (const [key, value] of graph.outputs)
    outputNames.set(value, [...(outputNames.get(value) ?? []), `out:${key}`]);
  // An Identity gives each output a name of its own, also when two outputs are one value or an output is an input.
  const finish = (value: Value) => {
    for (const name of outputNames.get(value) ?? [])
      onnx.nodes.push({
        op: 'Identity',
        name,
        inputs: [onnx.name(value)],
        outputs: [name],
        attributes: {},
      });
  };
  for (const value of [...graph.inputs.values(), ...graph.weights.values(), ...graph.constants.keys()])
    finish(value);
  for (const node of graph.nodes) {
    kernelFor(node.op, node.inputs.map(typeText).join(', ')).lower(node, onnx);
    node.outputs.forEach(finish);
    if (anchored.has(node)) anchor(node.outputs[0]!, onnx);
  }
  const outputs = [...graph.outputs].map(([key, value]) => info(value, `out:${key}`));
  return {
    model: { name, inputs, outputs, initializers: onnx.initializers, nodes: onnx.nodes.reverse() },
    blobs,
    kernels: [...onnx.kernels.values()],
    folder,
  };
}

/** A reader that computes nothing: ONNX Runtime computes `value` before what stands behind. */
export function anchor(value: Value, onnx: OnnxBuilder): void {
  onnx.emit('Size', [onnx.half(value)?.name ?? onnx.name(value)]);
}

function filesOf(source: WeightSource): string[] {
  if (source.kind === 'data') return [];
  if (source.kind === 'file') return [source.file];
  return [source.packed, source.scales, source.zeroPoints].map(({ file }) => file);
}

/** The deepest folder that holds all files. */
function commonFolder(files: readonly string[]): string {
  const parts = files.map((file) => path.dirname(path.resolve(file)).split(path.sep));
  const first = parts[0]!;
  let depth = first.length;
  for (const other of parts) {
    let same = 0;
    while (same < depth && first[same] === other[same]) same++;
    depth = same;
  }
  return first.slice(0, depth).join(path.sep) || path.sep;
}
