/** Runs a program function kernel by kernel on one of tfjs's own backends, without compiling it. */
import type { TypedArray } from '../ir/graph.ts';
import { CompileError } from '../kernels/index.ts';
import type { TensorMap } from '../model.ts';
import { type Tensor, tf } from '../tf.ts';
import { type ProgramFunction, type TensorSpec, unknownWeight } from '../trace/trace.ts';

import { readWeightSync } from '../weights/index.ts';
import type { WeightSource } from '../weights/source.ts';
import { checkInputs, type EagerExecutor, type Program, type TensorValue } from './program.ts';
import { loadTfjsNode, TFJS_NODE_BACKEND } from './tfjsNode.ts';

const BACKEND: Record<EagerExecutor, string> = {
  'eager-cpu': 'cpu',
  'eager-wasm': 'wasm',
  'eager-node': TFJS_NODE_BACKEND,
  'eager-node-gpu': TFJS_NODE_BACKEND,
};

/**
 * Makes a tfjs backend active, loading what it needs. `threads` is for the backends on TensorFlow's own library, and
 * counts when they start; tfjs's others use one.
 * @throws ExecutorMissingError if the executor needs a package that is not installed
 */
export async function useBackend(executor: EagerExecutor, threads?: number): Promise<void> {
  const name = BACKEND[executor];
  if (name === 'wasm') await import('./wasm.ts');
  if (executor === 'eager-node' || executor === 'eager-node-gpu') loadTfjsNode(executor, threads);
  if (!(await tf.setBackend(name))) throw new Error(`tfjs backend "${name}" could not be started`);
  await tf.ready();
}

export async function createEagerProgram(
  executor: EagerExecutor,
  fn: ProgramFunction,
  specs: Readonly<Record<string, TensorSpec>>,
  weights: ReadonlyMap<string, WeightSource>,
  threads?: number,
): Promise<Program> {
  await useBackend(executor, threads);
  const held = new Map<string, Tensor>();
  const weight = (name: string): Tensor => {
    const known = held.get(name);
    if (known !== undefined) return known;
    const source = weights.get(name);
    if (source === undefined) throw new CompileError(unknownWeight(name, weights));
    const tensor = tf.keep(tf.tensor(readWeightSync(source), [...source.shape], 'float32'));
    held.set(name, tensor);
    return tensor;
  };
  return {
    executor,
    inputs: specs,
    stats: {},
    async run(inputs) {
      checkInputs(specs, inputs);
      await useBackend(executor);
      const outputs = tf.tidy(() => {
        const tensors: TensorMap = {};
        for (const [name, spec] of Object.entries(specs))
          tensors[name] = tf.tensor(inputs[name]!, [...spec.shape], spec.dtype);
        const made = fn(tensors, weight);
        // A clone: an output may be an input or a weight, which must outlive or not outlive this run.
        return Object.fromEntries(Object.entries(made).map(([name, tensor]) => [name, tf.clone(tensor)]));
      });
      const results: Record<string, TensorValue> = {};
      for (const [name, tensor] of Object.entries(outputs)) {
        const data = (await tensor.data()) as TypedArray;
        // tfjs's cpu backend keeps the integers behind a cast to float32.
        const isMislabelled = tensor.dtype === 'float32' && !(data instanceof Float32Array);
        results[name] = { data: isMislabelled ? Float32Array.from(data) : data, shape: [...tensor.shape] };
        tensor.dispose();
      }
      return results;
    },
    async dispose() {
      for (const tensor of held.values()) tensor.dispose();
      held.clear();
    },
  };
}
