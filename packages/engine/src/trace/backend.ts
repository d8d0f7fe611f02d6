/**
 * A TensorFlow.js backend that computes nothing: every kernel call becomes a node of the graph being recorded.
 * tfjs's own gradient tape works on it as on any other backend, so backward passes are recorded like forward ones.
 */
import {
  type Dtype,
  type GraphNode,
  sizeOf,
  type TypedArray,
  typeText,
  type Value,
  ValueFactory,
} from '../ir/graph.ts';
import { closeBody } from '../ir/loopBody.ts';
import { CompileError, compositeNames, inferNode, kernels } from '../kernels/index.ts';
import type { Kernel } from '../kernels/kernel.ts';
import { type Tensor, tf } from '../tf.ts';

export const TRACE_BACKEND = 'psoft-trace';

/** The largest tensor that may be captured as a constant; anything bigger is a weight and should be declared as one. */
const MAX_CONSTANT_BYTES = 64 * 2 ** 20;

interface TensorInfo {
  dataId: object;
  shape: number[];
  dtype: Dtype;
}

/** What has been recorded so far. One recording at a time: tracing is synchronous. */
export class Recording {
  readonly values = new ValueFactory();
  nodes: GraphNode[] = [];
  readonly constants = new Map<Value, TypedArray>();
  /** Of tensors that other backends hold, by their data. */
  readonly outside = new Map<object, Value>();

  /** Records one kernel call and returns its outputs. */
  record(op: string, inputs: readonly Value[], attrs: Record<string, unknown>): readonly Value[] {
    const outputs = inferNode({ op, inputs, attrs }).map((type) =>
      this.values.create(type.shape, type.dtype),
    );
    this.nodes.push({ op, inputs, attrs: plainAttributes(attrs), outputs });
    return outputs;
  }

  /** Records what `body` does apart from the rest. */
  apart<T>(body: () => T): { result: T; nodes: readonly GraphNode[] } {
    const around = this.nodes;
    this.nodes = [];
    try {
      return { result: body(), nodes: this.nodes };
    } finally {
      this.nodes = around;
    }
  }
}

/** Attributes as plain data, undefined ones dropped. tfjs mixes typed arrays and numbers into them. */
function plainAttributes(attrs: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(attrs)
      .filter(([, value]) => value !== undefined && value !== null)
      .map(([key, value]) => [key, ArrayBuffer.isView(value) ? Array.from(value as Int32Array) : value]),
  );
}

/** One `DataStorage`-like entry of the backend: the value a tensor stands for. */
const stored = new WeakMap<object, Value>();
/** Contents of constants, kept apart from the recording: tfjs may move such a tensor back to another backend. */
const contents = new WeakMap<object, TypedArray>();

let current: Recording | undefined;

function recording(): Recording {
  if (current === undefined)
    throw new CompileError(
      'a traced tensor is used after its trace has ended: return it as an output instead',
    );
  return current;
}

function dtypeOf(dtype: string): Dtype {
  if (dtype === 'float32' || dtype === 'int32' || dtype === 'bool') return dtype;
  throw new CompileError(`cannot compile a tensor of dtype ${dtype}: use float32, int32 or bool`);
}

class TraceBackend extends tf.KernelBackend {
  override write(values: unknown, shape: number[], dtype: string): object {
    const dataId = {};
    this.move(dataId, values, shape, dtype);
    return dataId;
  }

  override move(dataId: object, values: unknown, shape: number[], dtype: string): void {
    const value = captured(values, shape, dtype);
    stored.set(dataId, value);
    const data = recording().constants.get(value);
    if (data !== undefined) contents.set(dataId, data);
  }

  override readSync(dataId: object): TypedArray {
    const data = contents.get(dataId);
    if (data !== undefined) return data;
    throw new CompileError(
      `the program reads the value of a tensor while it is traced (dataSync, arraySync or print)${place()}: ` +
        'a compiled program has no values until it runs; keep the computation in tensors or make it an output',
    );
  }

  override read(dataId: object): Promise<TypedArray> {
    return Promise.resolve(this.readSync(dataId));
  }

  override disposeData(): boolean {
    return true;
  }
  override refCount(): number {
    return 1;
  }
  override incRef(): void {}
  decRef(): void {}
  override numDataIds(): number {
    return 0;
  }
  override memory() {
    return { unreliable: true };
  }
  override floatPrecision(): 16 | 32 {
    return 32;
  }
  override epsilon(): number {
    return 1e-7;
  }
  override timerAvailable(): boolean {
    return false;
  }
  override dispose(): void {}
}

/** A value that has these numbers. */
function captured(values: unknown, shape: number[], dtype: string): Value {
  const bytes = sizeOf(shape) * (dtype === 'bool' ? 1 : 4);
  const isLarge = bytes > MAX_CONSTANT_BYTES;
  // tfjs spreads the gradient of a sum or a mean by ones of its shape.
  if (isLarge && dtype !== 'bool' && isUniform(values))
    return recording().record('Fill', [], { shape, value: values[0]!, dtype })[0]!;
  if (isLarge)
    throw new CompileError(
      `a captured constant of shape [${shape}] has ${bytes} bytes, the limit is ${MAX_CONSTANT_BYTES}: ` +
        'pass it as an input or a weight of the program',
    );
  const value = recording().values.create(shape, dtypeOf(dtype));
  recording().constants.set(value, typedArray(values, value.dtype));
  return value;
}

/** Whether all elements of an array are the same number. */
function isUniform(values: unknown): values is ArrayLike<number> {
  return (
    (values instanceof Float32Array || values instanceof Int32Array) &&
    values.every((one) => one === values[0])
  );
}

function typedArray(values: unknown, dtype: Dtype): TypedArray {
  if (dtype === 'float32')
    return values instanceof Float32Array ? values : Float32Array.from(values as number[]);
  if (dtype === 'int32') return values instanceof Int32Array ? values : Int32Array.from(values as number[]);
  return values instanceof Uint8Array ? values : Uint8Array.from(values as number[], Number);
}

/** " at file:line", the innermost stack frame outside this package and TensorFlow.js; "" if there is none. */
function place(): string {
  const frames = (new Error().stack ?? '').split('\n').slice(1);
  const user = frames.find((frame) => !/[\\/]engine[\\/]src[\\/]trace|@tensorflow|node:internal/.test(frame));
  return user === undefined ? '' : ` ${user.trim()}`;
}

/** What a tensor stands for; one that was made outside is a constant, and stays where it is. */
function tracedValue({ dataId, shape, dtype }: TensorInfo): Value {
  const { outside } = recording();
  const known = stored.get(dataId) ?? outside.get(dataId);
  if (known !== undefined) return known;
  const data = tf.engine().state.tensorInfo.get(dataId)?.backend.readSync(dataId);
  if (data === undefined) throw new CompileError('internal: a tensor without data reached the trace');
  const value = captured(data, shape, dtype);
  outside.set(dataId, value);
  return value;
}

/** Wraps a value as what tfjs makes a tensor of. */
function infoOf(value: Value): TensorInfo {
  const dataId = {};
  stored.set(dataId, value);
  return { dataId, shape: [...value.shape], dtype: value.dtype };
}

/** Kernel inputs in the table's order; lists come as objects with numeric keys. */
function orderedInputs(kernel: Kernel | undefined, inputs: Record<string, TensorInfo | undefined>): Value[] {
  const names = kernel?.args ?? Object.keys(inputs);
  return names.flatMap((name) => (inputs[name] ? [tracedValue(inputs[name])] : []));
}

/** Kernels of TensorFlow.js that give a list, of one tensor, too. */
const LISTS = new Set(['SplitV', 'Unpack']);

function registerKernels(): void {
  // Whatever tfjs's own cpu backend can run is registered, so that a missing lowering is our error and not tfjs's.
  const known = new Set([
    ...tf.getKernelsForBackend('cpu').map((kernel) => kernel.kernelName),
    ...Object.keys(kernels),
    ...compositeNames,
  ]);
  for (const kernelName of known) {
    const entry = kernels[kernelName];
    const kernel = entry !== undefined && 'infer' in entry ? entry : undefined;
    tf.registerKernel({
      kernelName,
      backendName: TRACE_BACKEND,
      kernelFunc: ({ inputs, attrs }) => {
        const values = orderedInputs(kernel, inputs as unknown as Record<string, TensorInfo | undefined>);
        try {
          const outputs = recording()
            .record(kernelName, values, (attrs ?? {}) as Record<string, unknown>)
            .map(infoOf);
          return outputs.length === 1 && !LISTS.has(kernelName) ? outputs[0]! : outputs;
        } catch (error) {
          if (error instanceof CompileError && !error.message.includes(' at ')) error.message += place();
          throw error;
        }
      },
    });
  }
}

let registered = false;

/** Makes a tensor of the tracing backend that stands for `value`. */
function tensorFor(value: Value, backend: InstanceType<typeof tf.KernelBackend>): Tensor {
  const info = infoOf(value);
  return tf
    .engine()
    .makeTensorFromDataId(
      info.dataId as never,
      info.shape,
      info.dtype,
      backend as never,
    ) as unknown as Tensor;
}

/**
 * Runs `body` on the tracing backend and returns what it recorded. `body` makes symbolic tensors with `tensor` and
 * reads the values behind the tensors it wants to keep with `value`.
 */
export function record<T>(
  body: (tools: {
    recording: Recording;
    tensor: (value: Value) => Tensor;
    value: (tensor: Tensor) => Value;
  }) => T,
): T {
  if (current !== undefined)
    throw new CompileError('compile() inside a traced function: compile it separately');
  if (!registered) {
    tf.registerBackend(TRACE_BACKEND, () => new TraceBackend() as never, 0);
    registerKernels();
    registered = true;
  }
  const previous = tf.engine().backendName;
  current = new Recording();
  const scoped = current;
  try {
    // Resolves synchronously: the backend's factory is synchronous.
    void tf.setBackend(TRACE_BACKEND);
    const backend = tf.backend() as never;
    let result!: { value: T };
    tf.tidy(() => {
      result = {
        value: body({
          recording: scoped,
          tensor: (value) => tensorFor(value, backend),
          value: (tensor) => movedValue(tensor),
        }),
      };
    });
    return result.value;
  } finally {
    if (previous) void tf.setBackend(previous);
    current = undefined;
  }
}

/** Whether a program is being traced. */
export function isTracing(): boolean {
  return current !== undefined;
}

/** What one step of a loop is given and answers. */
export type LoopStep = (state: Tensor[], step: Tensor) => { state: Tensor[]; isDone: Tensor };

/** Records a loop as one node. See `loop` of `ops/loop.ts`. */
export function recordLoop(
  initial: readonly Tensor[],
  isDone: Tensor,
  steps: number,
  body: LoopStep,
): Tensor[] {
  const backend = tf.backend() as never;
  const { values } = recording();
  const fresh = ({ shape, dtype }: Value) => values.create(shape, dtype);
  const starts = initial.map(movedValue);
  const state = starts.map(fresh);
  const step = values.create([], 'int32');
  const { result, nodes } = recording().apart(() => {
    const next = body(
      state.map((value) => tensorFor(value, backend)),
      tensorFor(step, backend),
    );
    return { isDone: movedValue(next.isDone), next: next.state.map(movedValue) };
  });
  const before = movedValue(isDone);
  for (const value of [before, result.isDone])
    if (typeText(value) !== 'bool[]')
      throw new CompileError(`a loop's isDone must be bool[], got ${typeText(value)}`);
  const closed = closeBody({ step, state, nodes, ...result }, fresh);
  const inputs = [before, ...starts, ...closed.captured];
  const outputs = recording().record('Loop', inputs, { body: closed.body, steps });
  return outputs.map((value) => tensorFor(value, backend));
}

/** The value behind any tensor; one of another backend is captured as a constant. */
function movedValue(tensor: Tensor): Value {
  const found = stored.get(tensor.dataId as object);
  return found ?? stored.get(tf.clone(tensor).dataId as object)!;
}
