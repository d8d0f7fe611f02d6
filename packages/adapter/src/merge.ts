/** Folding adapters into weights, and how far that moves what the model computes. */
import {
  compile,
  type Model,
  readWeight,
  type TensorMap,
  type TensorSpec,
  type TrainableModel,
  type TypedArray,
  type WeightData,
} from '@psoft/engine';
import { AdapterError } from './errors.ts';
import type { AdapterLayers } from './method.ts';
import { frozenWeights } from './stacked.ts';

/** Named inputs of a model: int32 tokens, float32 features. */
export type SampleInputs = Readonly<
  Record<string, { readonly data: Int32Array | Float32Array; readonly shape: readonly number[] }>
>;

export interface MergeOptions {
  /** Refuses values that are not finite (default true). */
  readonly safeMerge?: boolean;
  /** A batch on which to compare the outputs before and after. */
  readonly inputs?: SampleInputs;
}

export interface MergeReport {
  readonly modules: number;
  /** Largest change of a weight. */
  readonly largestChange: number;
  /** Largest difference of an output, merged and not, on the given inputs. */
  readonly logitDrift?: number;
}

/**
 * The target weights with the adapter folded in, in float32 whatever the base is stored in. Of a base in 4 bits these
 * are the values it stands for plus the update: the merged module is no longer in 4 bits.
 */
export async function mergedTargets(
  base: Model,
  layers: AdapterLayers,
  safeMerge: boolean,
): Promise<{ merged: Map<string, WeightData>; largestChange: number }> {
  const merged = new Map<string, WeightData>();
  let largestChange = 0;
  for await (const [module, data] of layers.mergedWeights(frozenWeights(layers.targets))) {
    const name = `${module}.weight`;
    const source = base.weights.get(name)!;
    const wrong = safeMerge ? data.findIndex((value) => !Number.isFinite(value)) : -1;
    if (wrong >= 0)
      throw new AdapterError(
        `merging "${module}": the merged weight holds ${data[wrong]} at place ${wrong}: the adapter or the base weight is broken; nothing was merged`,
      );
    const before = await readWeight(source);
    for (let i = 0; i < data.length; i++)
      largestChange = Math.max(largestChange, Math.abs(data[i]! - before[i]!));
    merged.set(name, { kind: 'data', data, shape: source.shape });
  }
  return { merged, largestChange };
}

/** All outputs of the model as it is now, dropout off, by name. */
export async function outputsOf(
  model: TrainableModel,
  inputs: SampleInputs,
): Promise<ReadonlyMap<string, Float32Array>> {
  const specs: Record<string, TensorSpec> = {};
  const values: Record<string, TypedArray> = {};
  for (const [name, { data, shape }] of Object.entries(inputs)) {
    specs[`input ${name}`] = { shape, dtype: data instanceof Int32Array ? 'int32' : 'float32' };
    values[`input ${name}`] = data;
  }
  for (const { name, shape, data } of model.parameters) {
    specs[`parameter ${name}`] = { shape, dtype: 'float32' };
    values[`parameter ${name}`] = data;
  }
  const under = (prefix: string, given: TensorMap): TensorMap =>
    Object.fromEntries(
      Object.entries(given)
        .filter(([name]) => name.startsWith(prefix))
        .map(([name, tensor]) => [name.slice(prefix.length), tensor]),
    );
  const program = await compile(
    (given, weight) => {
      const weights = new Proxy({} as TensorMap, { get: (_, name) => weight(String(name)) });
      return model.forward({ weights, parameters: under('parameter ', given) }, under('input ', given));
    },
    { inputs: specs, weights: model.weights },
    { name: 'outputs' },
  );
  try {
    const outputs = await program.run(values);
    return new Map(
      Object.entries(outputs).map(([name, { data }]) => [name, Float32Array.from(data as Float32Array)]),
    );
  } finally {
    await program.dispose();
  }
}

export function largestDifference(
  before: ReadonlyMap<string, Float32Array>,
  after: ReadonlyMap<string, Float32Array>,
): number {
  let largest = 0;
  for (const [name, values] of before) {
    const others = after.get(name)!;
    for (let i = 0; i < values.length; i++) {
      const difference = Math.abs(values[i]! - others[i]!);
      // A NaN must not hide behind comparisons.
      if (!(difference <= largest)) largest = difference;
    }
  }
  return largest;
}
