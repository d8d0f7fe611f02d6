/** What the compiler knows of one TensorFlow.js kernel. */
import type { Attributes, Dtype, GraphNode, Value } from '../ir/graph.ts';
import type { OnnxBuilder } from '../onnx/builder.ts';
import type { Tensor } from '../tf.ts';

export interface ValueType {
  readonly shape: readonly number[];
  readonly dtype: Dtype;
}

export interface Kernel {
  /** Names of the inputs in the order of {@link GraphNode.inputs}; absent when the kernel takes a list. */
  readonly args?: readonly string[];
  /** Types of the outputs. Throws a plain Error that says what does not fit. */
  infer(inputs: readonly Value[], attrs: Attributes): readonly ValueType[];
  /** Writes the ONNX nodes that compute the outputs. */
  lower(node: GraphNode, onnx: OnnxBuilder): void;
}

/** A kernel of our own: it runs eagerly too. */
export interface CompositeKernel extends Kernel {
  readonly args: readonly string[];
  /** The same computation in tfjs operations. Returned tensors are kept, everything between is disposed. */
  eager(inputs: Record<string, Tensor>, attrs: Record<string, unknown>): Tensor[];
}

/** A TensorFlow.js kernel that is known and refused. */
export interface Refusal {
  readonly reason: string;
}

export type KernelTable = Readonly<Record<string, Kernel | Refusal>>;

/** One attribute, typed by the caller: TensorFlow.js attributes carry no types at run time. */
export function attr<T>(node: { readonly attrs: Attributes }, key: string): T {
  return node.attrs[key] as T;
}
