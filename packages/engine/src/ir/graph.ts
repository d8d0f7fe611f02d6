/**
 * The intermediate representation: a flat list of TensorFlow.js kernels in execution order over typed, statically
 * shaped values. Tracing writes it, passes rewrite it, lowering reads it.
 */

export type Dtype = 'float32' | 'int32' | 'bool';
export type TypedArray = Float32Array | Int32Array | Uint8Array;

/** One tensor of the graph. Identity is the object itself; `id` only orders and names it. */
export interface Value {
  readonly id: number;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
}

export type Attributes = Readonly<Record<string, unknown>>;

/** One kernel call. `op` is the TensorFlow.js kernel name ("BatchMatMul"). */
export interface GraphNode {
  readonly op: string;
  readonly inputs: readonly Value[];
  readonly attrs: Attributes;
  readonly outputs: readonly Value[];
}

export interface Graph {
  /** Values fed at every run, by name. */
  readonly inputs: ReadonlyMap<string, Value>;
  /** Frozen tensors that live in a file or in memory, by name; only those the graph uses. */
  readonly weights: ReadonlyMap<string, Value>;
  /** Captured constants and their contents. */
  readonly constants: ReadonlyMap<Value, TypedArray>;
  readonly nodes: readonly GraphNode[];
  readonly outputs: ReadonlyMap<string, Value>;
}

/** Number of elements of a shape; 1 for a scalar. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const dim of shape) size *= dim;
  return size;
}

const ELEMENT_BYTES: Record<Dtype, number> = { float32: 4, int32: 4, bool: 1 };

/** Bytes of a value as ONNX Runtime holds it between two nodes. */
export function bytesOf({ shape, dtype }: Pick<Value, 'shape' | 'dtype'>): number {
  return sizeOf(shape) * ELEMENT_BYTES[dtype];
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i]);
}

/** Makes values with increasing ids. One per graph. */
export class ValueFactory {
  #next = 0;
  create(shape: readonly number[], dtype: Dtype): Value {
    return { id: this.#next++, dtype, shape: [...shape] };
  }
}

const DTYPE_MARK: Record<Dtype, string> = { float32: 'f32', int32: 'i32', bool: 'bool' };

/** "f32[2,3]" */
export function typeText(value: Value): string {
  return `${DTYPE_MARK[value.dtype]}[${value.shape.join(',')}]`;
}

/** Short readable text of a graph: one line a node, with shapes and dtypes. Tests compare it inline. */
export function printGraph(graph: Graph): string {
  const names = new Map<Value, string>();
  const name = (value: Value): string => {
    let text = names.get(value);
    if (text === undefined) {
      text = `%${names.size}`;
      names.set(value, text);
    }
    return text;
  };
  const lines: string[] = [];
  for (const [key, value] of graph.inputs) lines.push(`input ${key} = ${name(value)}: ${typeText(value)}`);
  for (const [key, value] of graph.weights) lines.push(`weight ${key} = ${name(value)}: ${typeText(value)}`);
  for (const [value, data] of graph.constants) {
    const content = data.length <= 8 ? ` = {${Array.from(data).join(', ')}}` : '';
    lines.push(`constant ${name(value)}: ${typeText(value)}${content}`);
  }
  for (const node of graph.nodes) {
    const attrs = Object.entries(node.attrs)
      .filter(([, v]) => v !== undefined)
      .map(([k, v]) => `${k}=${JSON.stringify(v)}`);
    const args = [...node.inputs.map(name), ...attrs].join(', ');
    const outs = node.outputs.map((value) => `${name(value)}: ${typeText(value)}`).join(', ');
    lines.push(`${outs} = ${node.op}(${args})`);
  }
  for (const [key, value] of graph.outputs) lines.push(`output ${key} = ${name(value)}`);
  return lines.join('\n');
}
