/** A session of ONNX Runtime, whichever way it is called. */
import type { TypedArray } from '../ir/graph.ts';
import type { TensorSpec } from '../trace/trace.ts';

/** By the program's names. */
export type InputArrays = Readonly<Record<string, TypedArray>>;

export interface OpenedSession {
  /**
   * @param values of the inputs
   * @param next what the run behind this one is going to be given: it may be copied meanwhile
   * @returns the outputs that are copied back
   */
  run(values: InputArrays, next?: InputArrays): Promise<Record<string, TypedArray>>;
  release(): Promise<void>;
}

/** What every session is made with. */
export interface SessionSettings {
  readonly inputs: Readonly<Record<string, TensorSpec>>;
  readonly outputs: Readonly<Record<string, TensorSpec>>;
  readonly threads?: number;
  readonly profilePrefix?: string;
  /** Configuration entries, by their full names. */
  readonly entries: Readonly<Record<string, string>>;
}
