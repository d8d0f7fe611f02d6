/** Turns a tfjs function into a graph. */
import type { Dtype, Graph, Value } from '../ir/graph.ts';
import { CompileError } from '../kernels/index.ts';
import type { TensorMap } from '../model.ts';
import type { Tensor } from '../tf.ts';
import { record } from './backend.ts';

export interface TensorSpec {
  readonly shape: readonly number[];
  readonly dtype: Dtype;
}

/** Frozen tensors by name, made when first asked for. @throws CompileError for an unknown name. */
export type WeightLookup = (name: string) => Tensor;

/**
 * An ordinary tfjs function of named tensors. It may take gradients with `tf.grads`, `tf.valueAndGrads` or
 * `tf.customGrad`. It must not read values, and must do the same work at every call.
 */
export type ProgramFunction = (inputs: TensorMap, weight: WeightLookup) => TensorMap;

/** Runs `fn` once on symbolic tensors and returns the graph of kernels it called. */
export function trace(
  fn: ProgramFunction,
  inputs: Readonly<Record<string, TensorSpec>>,
  weights: ReadonlyMap<string, TensorSpec>,
): Graph {
  return record(({ recording, tensor, value }) => {
    const inputValues = new Map<string, Value>();
    const inputTensors: TensorMap = {};
    for (const [name, spec] of Object.entries(inputs)) {
      const input = recording.values.create(spec.shape, spec.dtype);
      inputValues.set(name, input);
      inputTensors[name] = tensor(input);
    }
    const weightValues = new Map<string, Value>();
    const weightTensors = new Map<string, Tensor>();
    const outputs = fn(inputTensors, (name) => {
      const known = weightTensors.get(name);
      if (known !== undefined) return known;
      const spec = weights.get(name);
      if (spec === undefined) throw new CompileError(unknownWeight(name, weights));
      const frozen = recording.values.create(spec.shape, spec.dtype);
      weightValues.set(name, frozen);
      const made = tensor(frozen);
      weightTensors.set(name, made);
      return made;
    });
    const outputValues = new Map(Object.entries(outputs).map(([name, output]) => [name, value(output)]));
    if (outputValues.size === 0)
      throw new CompileError('the program returns no outputs: return at least one tensor');
    return {
      inputs: inputValues,
      weights: weightValues,
      constants: recording.constants,
      nodes: recording.nodes,
      outputs: outputValues,
    };
  });
}

export function unknownWeight(name: string, weights: ReadonlyMap<string, unknown>): string {
  return `unknown weight "${name}": the program was given ${weights.size} weights, none of that name`;
}
