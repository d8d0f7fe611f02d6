/** What a caller runs, whichever executor stands behind it. */
import type { Dtype, Graph, TypedArray } from '../ir/graph.ts';
import { sizeOf } from '../ir/graph.ts';
import type { TensorSpec } from '../trace/trace.ts';
import type { TfjsNodeExecutor } from './tfjsNode.ts';

export interface TensorValue {
  readonly data: TypedArray;
  readonly shape: readonly number[];
}

export interface ProgramStats {
  /** Nodes of the graph after the passes, and of the ONNX model written from it; absent when run eagerly. */
  readonly graphNodes?: number;
  readonly onnxNodes?: number;
  readonly traceMilliseconds?: number;
  readonly sessionMilliseconds?: number;
}

export interface Program {
  readonly executor: Executor;
  readonly inputs: Readonly<Record<string, TensorSpec>>;
  readonly stats: ProgramStats;
  /** The traced and optimised graph; absent when run eagerly. */
  readonly graph?: Graph;
  /**
   * Runs once. Inputs are flat arrays of the declared sizes and dtypes.
   * @param next what the run behind this one is going to be given, as far as it is known: a card gets it while it computes.
   * Arrays in it must not change before that run
   * @throws ProgramInputError for a missing, unknown or misshapen input
   */
  run(
    inputs: Readonly<Record<string, TypedArray>>,
    next?: Readonly<Record<string, TypedArray>>,
  ): Promise<Record<string, TensorValue>>;
  /** Frees the session or the tensors it holds. The program cannot run afterwards. */
  dispose(): Promise<void>;
}

/** What ONNX Runtime runs a compiled program on. */
export const DEVICES = ['cpu', 'cuda', 'webgpu'] as const;
export type Device = (typeof DEVICES)[number];
/** tfjs kernels called one by one on one of its backends. */
export type EagerExecutor = 'eager-cpu' | 'eager-wasm' | TfjsNodeExecutor;
/** Where a program runs. */
export type Executor = Device | EagerExecutor;

export function isDevice(executor: Executor): executor is Device {
  return (DEVICES as readonly string[]).includes(executor);
}

/** Those that need nothing but this package. */
export const EXECUTORS: readonly Executor[] = ['cpu', 'eager-cpu', 'eager-wasm'];

export class ProgramInputError extends Error {
  override readonly name = 'ProgramInputError';
}

const ARRAY_OF: Record<Dtype, { new (n: number): TypedArray; name: string }> = {
  float32: Float32Array,
  int32: Int32Array,
  bool: Uint8Array,
};

/** An array for the elements of a tensor. */
export function arrayOf({ shape, dtype }: TensorSpec): TypedArray {
  return new ARRAY_OF[dtype](sizeOf(shape));
}

/** Checks that `values` are exactly the declared inputs. */
export function checkInputs(
  specs: Readonly<Record<string, TensorSpec>>,
  values: Readonly<Record<string, TypedArray>>,
): void {
  for (const name of Object.keys(values))
    if (!(name in specs))
      throw new ProgramInputError(
        `unknown input "${name}": the program takes ${Object.keys(specs).join(', ')}`,
      );
  for (const [name, spec] of Object.entries(specs)) {
    const value = values[name];
    if (value === undefined)
      throw new ProgramInputError(`input "${name}" is missing: give a ${describe(spec)}`);
    if (!(value instanceof ARRAY_OF[spec.dtype]) || value.length !== sizeOf(spec.shape))
      throw new ProgramInputError(
        `input "${name}" is a ${value.constructor.name} of ${value.length} elements: give a ${describe(spec)}`,
      );
  }
}

function describe(spec: TensorSpec): string {
  return `${ARRAY_OF[spec.dtype].name} of ${sizeOf(spec.shape)} elements (shape [${spec.shape}])`;
}
