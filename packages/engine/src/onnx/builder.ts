/** Collects ONNX nodes and small constants while kernels are lowered, sharing equal constants. */

import type { KernelSource } from '../cuda/kernelSource.ts';
import type { Dtype, TypedArray, Value } from '../ir/graph.ts';
import type { NarrowTensor } from './narrow.ts';
import {
  type AttributeValue,
  CUSTOM_DOMAIN,
  type OnnxInitializer,
  type OnnxNode,
  OnnxType,
} from './proto.ts';
import { ANY_TARGET, type Target } from './target.ts';

/** A tensor of 16-bit numbers. */
export interface Half {
  readonly name: string;
  readonly type: OnnxType;
}

/** An operator of our own, by its name in the model. */
export interface NamedKernel {
  readonly name: string;
  readonly source: KernelSource;
}

export type Attributes = Record<string, AttributeValue>;

export const ONNX_DTYPE: Record<Dtype, OnnxType> = {
  float32: OnnxType.FLOAT,
  int32: OnnxType.INT32,
  bool: OnnxType.BOOL,
};

/** How a value is called; made anew, in the builder that reads it, where each use has a node of its own. */
type Name = string | ((onnx: OnnxBuilder) => string);

export class OnnxBuilder {
  readonly nodes: OnnxNode[] = [];
  readonly initializers: OnnxInitializer[] = [];
  readonly #names = new Map<Value, Name>();
  readonly #narrow = new Map<Value, NarrowTensor>();
  readonly #halves = new Map<Value, Half>();
  readonly #aliases = new Map<Value, Value>();
  /** What {@link emitKernel} was given, of the whole model. */
  readonly kernels = new Map<string, NamedKernel>();
  readonly #shared = new Map<string, string>();
  readonly #declared = new Set<string>();
  /** Of the graph around a loop's body, and of the whole model. */
  readonly #outer: OnnxBuilder | undefined;
  readonly #root: OnnxBuilder;
  #temporaries = 0;

  /** @param target where the model is going to run */
  constructor(
    outer?: OnnxBuilder,
    readonly target: Target = outer?.target ?? ANY_TARGET,
  ) {
    this.#outer = outer;
    this.#root = outer === undefined ? this : outer.#root;
  }

  /** A builder of a body's nodes: it knows the names out here, and its constants are the model's. */
  inner(): OnnxBuilder {
    return new OnnxBuilder(this);
  }

  /** The ONNX name of a value that an earlier node computed or that was declared. */
  name(value: Value): string {
    const name = this.#find(value);
    if (name === undefined) throw new Error(`internal: value ${value.id} is used before it is computed`);
    return typeof name === 'string' ? name : name(this);
  }

  #find(value: Value): Name | undefined {
    const own = this.#names.get(value);
    return own === undefined && this.#outer !== undefined ? this.#outer.#find(value) : own;
  }

  names(values: readonly Value[]): string[] {
    return values.map((value) => this.name(value));
  }

  /** Declares that `value` is known under `name`. */
  bind(value: Value, name: Name): void {
    this.#names.set(value, name);
  }

  /** Declares that `value`, of a body, is `outer` of the graph around it. */
  alias(value: Value, outer: Value): void {
    this.#aliases.set(value, outer);
    this.#names.set(value, (onnx) => onnx.name(outer));
  }

  /** Declares that `value` is a weight in fewer bits than float32's. @param whole all of it in float32 */
  bindNarrow(value: Value, weight: NarrowTensor, whole: (onnx: OnnxBuilder) => string): void {
    this.#narrow.set(value, weight);
    this.#names.set(value, whole);
  }

  /** The weight in fewer bits that `value` is, if it is one. */
  narrow(value: Value): NarrowTensor | undefined {
    return this.#narrow.get(value) ?? this.#outer?.narrow(this.#aliases.get(value) ?? value);
  }

  /** Declares that `value` has the numbers of `half`, a tensor of 16 bits, which each reader widens for itself. */
  bindHalf(value: Value, half: Half): void {
    this.#halves.set(value, half);
    this.#names.set(value, (onnx) => onnx.cast(half.name, 'float32'));
  }

  /** The tensor of 16 bits that has a value's numbers, if one was made. */
  half(value: Value): Half | undefined {
    return this.#halves.get(value) ?? this.#outer?.half(this.#aliases.get(value) ?? value);
  }

  /** Declares an initialiser of the model, once for each name. */
  initializer(tensor: OnnxInitializer): string {
    const root = this.#root;
    if (!root.#declared.has(tensor.name)) {
      root.#declared.add(tensor.name);
      root.initializers.push(tensor);
    }
    return tensor.name;
  }

  /** A name that nothing else has. */
  temporary(): string {
    return `t${this.#root.#temporaries++}`;
  }

  emit(op: string, inputs: readonly string[], attributes: Attributes = {}, domain = ''): string {
    return this.emitMany(op, inputs, 1, attributes, domain)[0]!;
  }

  /** Writes one node, or what the target has instead of its operator. @returns the outputs' names */
  emitMany(
    op: string,
    inputs: readonly string[],
    count: number,
    attributes: Attributes = {},
    domain = '',
  ): string[] {
    const substitute = this.target.substitutes[op];
    return substitute === undefined
      ? this.write(op, inputs, count, attributes, domain)
      : substitute(this, inputs, { count, attributes });
  }

  /** Writes one node as it is: what substitutes end in. */
  write(op: string, inputs: readonly string[], count: number, attributes: Attributes = {}, domain = '') {
    const outputs = Array.from({ length: count }, () => this.temporary());
    this.nodes.push({ op, domain, name: `${op}_${this.nodes.length}`, inputs, outputs, attributes });
    return outputs;
  }

  /** Writes a node that runs a kernel of our own. @returns the outputs' names */
  emitKernel(source: KernelSource, inputs: readonly string[]): string[] {
    const kernels = this.#root.kernels;
    const key = JSON.stringify({ ...source, meaning: undefined });
    const kernel = kernels.get(key) ?? { name: `k${kernels.size}`, source };
    kernels.set(key, kernel);
    return this.write(kernel.name, inputs, source.outputs.length, {}, CUSTOM_DOMAIN);
  }

  cast(x: string, dtype: Dtype): string {
    return this.emit('Cast', [x], { to: ONNX_DTYPE[dtype] });
  }

  castToInt64(x: string): string {
    return this.emit('Cast', [x], { to: OnnxType.INT64 });
  }

  scalar(value: number, dtype: Dtype): string {
    const data =
      dtype === 'float32'
        ? Float32Array.of(value)
        : dtype === 'int32'
          ? Int32Array.of(value)
          : Uint8Array.of(value);
    return this.#constant(ONNX_DTYPE[dtype], [], data);
  }

  constant(data: Float32Array | Int32Array, dims: readonly number[]): string {
    return this.#constant(data instanceof Float32Array ? OnnxType.FLOAT : OnnxType.INT32, dims, data);
  }

  /** A captured constant of the graph, written inline. */
  captured(value: Value, data: TypedArray): void {
    this.bind(value, this.#constant(ONNX_DTYPE[value.dtype], value.shape, data));
  }

  /** A one-dimensional int64 constant: shapes, axes, offsets. */
  ints(values: readonly number[]): string {
    return this.#constant(OnnxType.INT64, [values.length], BigInt64Array.from(values, BigInt));
  }

  /** The numbers of a constant that {@link ints} declared. */
  intsOf(name: string): number[] {
    const content = this.#root.initializers.find((one) => one.name === name)?.content;
    if (content === undefined || !('raw' in content)) throw new Error(`internal: ${name} is no constant`);
    const { buffer, byteOffset, byteLength } = content.raw;
    return Array.from(new BigInt64Array(buffer, byteOffset, byteLength / 8), Number);
  }

  intScalar(value: number): string {
    return this.#constant(OnnxType.INT64, [], BigInt64Array.of(BigInt(value)));
  }

  #constant(type: OnnxType, dims: readonly number[], data: ArrayBufferView): string {
    const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const key = `${type}|${dims}|${Buffer.from(raw).toString('base64')}`;
    const shared = this.#root.#shared;
    const { initializers } = this.#root;
    let name = shared.get(key);
    if (name === undefined) {
      name = `c${shared.size}`;
      shared.set(key, name);
      initializers.push({ name, type, dims, content: { raw } });
    }
    return name;
  }
}
