/**
 * An adapter method on all target modules of a model, from what the method says of one module. Trained tensors of equal
 * shape are stacked over modules into one parameter, so that a method computes its small matrices as one batch a step
 * rather than once a layer.
 */
import {
  type Bindings,
  compile,
  gemm,
  type Parameter,
  type Program,
  RandomStream,
  readWeight,
  type Tensor,
  type TensorMap,
  type TensorSpec,
  type TypedArray,
  tf,
  type WeightData,
} from '@psoft/engine';
import type { Rebased } from './basisRecord.ts';
import { AdapterConfigError } from './errors.ts';
import type { AdaptedLinear, AdapterLayers, LowRankDelta, Target } from './method.ts';

/** A tensor that is trained in every module. */
export interface TrainedTensor {
  /** PEFT's key below the module: "lora_A.weight". */
  readonly key: string;
  readonly shape: readonly number[];
  /** Writes the initial value into zeros; `stream` is this tensor's own. */
  readonly initialise?: (data: Float32Array, stream: RandomStream) => void;
  /** Brings values back into what the method allows, in place. */
  readonly constrain?: (data: Float32Array) => void;
}

/** One module within one forward pass. */
export interface BoundModule {
  readonly target: Target;
  /** Its share of what {@link Recipe.prepare} made. */
  readonly own: TensorMap;
  /** Frozen tensors: the module's, by name below it, and the shared ones. */
  readonly frozen: TensorMap;
  /** The weight that the adapter stands on, [out, in], and its bias [out]. */
  readonly weight: () => Tensor;
  readonly bias: () => Tensor | undefined;
  readonly dropout: Dropout;
}

/** Inverted dropout in training, the identity otherwise. */
export type Dropout = (x: Tensor, rate: number) => Tensor;

/** Modules whose trained tensors have the same shapes. */
export interface Group {
  readonly modules: readonly Omit<BoundModule, 'own'>[];
  readonly dropout: Dropout;
}

/** What a method says of one module. All functions of tensors are plain tfjs code: they are traced. */
export interface Recipe {
  trained(target: Target): readonly TrainedTensor[];
  /** Frozen tensors by module and name below it ("psoft_A"). */
  readonly frozen?: ReadonlyMap<string, Readonly<Record<string, WeightData>>>;
  /** Frozen tensors that all modules use, by name. */
  readonly shared?: Readonly<Record<string, WeightData>>;
  /**
   * What the modules of a group share, once a pass; by default each module's own trained tensors.
   * @param trained stacked, [modules, ...shape] by key; empty ones are absent
   * @returns for every module in turn the tensors that `apply` and the update read
   */
  prepare?(trained: TensorMap, group: Group): readonly TensorMap[];
  /**
   * @param x [..., in]
   * @param base y = x Wᵀ + bias of the frozen module
   * @returns [..., out]
   */
  apply(x: Tensor, base: (x: Tensor) => Tensor, module: BoundModule): Tensor;
  /** The update of the weight as a product: a [rank, in], b [out, rank]. Either this or {@link Recipe.merged}. */
  lowRank?(module: BoundModule): { readonly a: Tensor; readonly b: Tensor };
  /** The merged weight from the weight, both [out, in], where the update is no thin product. */
  merged?(weight: Tensor, module: BoundModule): Tensor;
  /** What these functions depend on of a module beside shapes: modules that agree share a compiled update. */
  variant?(target: Target): string;
  /** Added to the training loss: a scalar. `groups` holds the stacked tensors of each group. */
  penalty?(groups: readonly TensorMap[]): Tensor;
  /** Frozen tensors that belong in the saved file, by their key in it. */
  readonly savedWeights?: ReadonlyMap<string, WeightData>;
  /** Called when `savedWeights` have been overwritten with a file's. */
  weightsLoaded?(): void;
  /** See {@link basisMembers}. */
  basis?(): Record<string, unknown>;
  adoptBasis?(modules: object, origin: string): void;
  rebased?(modules: object, origin: string): Rebased;
}

interface StackedGroup {
  readonly targets: readonly Target[];
  readonly trained: readonly TrainedTensor[];
  /** Parameter of each trained tensor that is not empty, by key. */
  readonly parameters: ReadonlyMap<string, Parameter>;
}

const withoutDropout: Dropout = (x) => x;

/** A rate of 0 draws nothing. */
const whereNeeded =
  (dropout: Dropout): Dropout =>
  (x, rate) =>
    rate > 0 ? dropout(x, rate) : x;

/** The recipe at work on all targets. @param seed decides every random initial value */
export function stackLayers(targets: readonly Target[], recipe: Recipe, seed: number): AdapterLayers {
  const groups = groupTargets(targets, recipe, seed);
  const weights = new Map<string, WeightData>(Object.entries(recipe.shared ?? {}));
  for (const { name } of targets)
    for (const [key, value] of Object.entries(recipe.frozen?.get(name) ?? {}))
      weights.set(`${name}.${key}`, value);

  const stackedOf = ({ parameters }: StackedGroup, given: TensorMap): TensorMap =>
    Object.fromEntries([...parameters].map(([key, { name }]) => [key, given[name]!]));
  const prepare = (trained: TensorMap, group: Group): readonly TensorMap[] =>
    recipe.prepare?.(trained, group) ?? unstackAll(trained, group.modules.length);

  /** Runs `compute` on each module's current values, compiled once for modules of equal shapes. */
  async function* perModule<T>(
    names: readonly string[] | undefined,
    compute: (module: BoundModule, weight: Tensor | undefined) => TensorMap,
    weightOf: ((module: string) => Promise<Float32Array>) | undefined,
    result: (target: Target, outputs: Readonly<Record<string, WeightData>>) => T,
  ): AsyncGenerator<T> {
    const programs = new Map<string, Program>();
    try {
      for (const target of targets) {
        if (names && !names.includes(target.name)) continue;
        const values = currentValues(target);
        if (weightOf)
          values.set('weight', {
            kind: 'data',
            data: await weightOf(target.name),
            shape: [target.outFeatures, target.inFeatures],
          });
        const specs = Object.fromEntries(
          [...values].map(([name, { shape }]): [string, TensorSpec] => [name, { shape, dtype: 'float32' }]),
        );
        // The shape of the module too: what all modules share says nothing of it.
        const shape = `${target.outFeatures} x ${target.inFeatures}`;
        const key = `${recipe.variant?.(target) ?? ''} ${shape} ${JSON.stringify(specs)}`;
        const program =
          programs.get(key) ??
          (await compile(
            (given) => compute(boundOf(target, given), given.weight),
            { inputs: specs },
            // Starting threads takes longer than a small update does.
            { name: 'update', ...(target.outFeatures * target.inFeatures < 2 ** 16 ? { threads: 1 } : {}) },
          ));
        programs.set(key, program);
        const given = Object.fromEntries(
          [...values].map(([name, { data }]): [string, TypedArray] => [name, data]),
        );
        const outputs = await program.run(given);
        yield result(
          target,
          Object.fromEntries(
            Object.entries(outputs).map(([name, { data, shape }]): [string, WeightData] => [
              name,
              { kind: 'data', data: data as Float32Array, shape },
            ]),
          ),
        );
      }
    } finally {
      for (const program of programs.values()) await program.dispose();
    }
  }

  /** Inputs of a program for one module: its trained values as a stack of one, and its frozen tensors. */
  function currentValues(target: Target): Map<string, WeightData> {
    const values = new Map<string, WeightData>();
    for (const [key, value] of ownValues(target))
      if (value.data.length > 0) values.set(`trained ${key}`, { ...value, shape: [1, ...value.shape] });
    for (const [key, value] of frozenOf(target)) values.set(`frozen ${key}`, value);
    return values;
  }

  function boundOf(target: Target, given: TensorMap): BoundModule {
    const under = (prefix: string): TensorMap =>
      Object.fromEntries(
        Object.entries(given)
          .filter(([name]) => name.startsWith(prefix))
          .map(([name, tensor]) => [name.slice(prefix.length), tensor]),
      );
    const module = {
      target,
      frozen: under('frozen '),
      weight: () => given.weight!,
      bias: () => undefined,
      dropout: withoutDropout,
    };
    const [own] = prepare(under('trained '), { modules: [module], dropout: withoutDropout });
    return { ...module, own: own! };
  }

  const frozenOf = ({ name }: Target): [string, WeightData][] =>
    Object.entries({ ...recipe.shared, ...recipe.frozen?.get(name) });

  /** Trained tensors of one module: views of the stacks. */
  function ownValues(target: Target): [string, WeightData][] {
    const group = groups.find(({ targets }) => targets.includes(target))!;
    const at = group.targets.indexOf(target);
    return group.trained.map(({ key, shape }) => {
      const size = sizeOf(shape);
      const data = group.parameters.get(key)?.data ?? new Float32Array(0);
      return [key, { kind: 'data', data: data.subarray(at * size, (at + 1) * size), shape }];
    });
  }

  async function* lowRankDeltas(names?: readonly string[]): AsyncGenerator<readonly [string, LowRankDelta]> {
    yield* perModule(
      names,
      (module) => ({ ...recipe.lowRank!(module) }),
      undefined,
      ({ name }, { a, b }) => [name, { a: a!, b: b! }] as const,
    );
  }

  async function* mergedWeights(
    weightOf: (module: string) => Promise<Float32Array>,
    names?: readonly string[],
  ): AsyncGenerator<readonly [string, Float32Array]> {
    if (recipe.merged) {
      yield* perModule(
        names,
        (module, weight) => ({ merged: recipe.merged!(weight!, module) }),
        weightOf,
        ({ name }, { merged }) => [name, merged!.data as Float32Array] as const,
      );
      return;
    }
    for await (const [name, { a, b }] of lowRankDeltas(names)) {
      const [rank, columns] = a.shape as [number, number];
      const left = { rows: b.shape[0]!, columns: rank, data: b.data };
      const { data } = await gemm(left, { rows: rank, columns, data: a.data });
      const weight = await weightOf(name);
      for (let i = 0; i < data.length; i++) data[i]! += weight[i]!;
      yield [name, data];
    }
  }

  return {
    targets,
    weights,
    parameters: groups.flatMap(({ parameters }) => [...parameters.values()]),
    bind({ weights: given, parameters, dropout: draw = withoutDropout }: Bindings) {
      const dropout = whereNeeded(draw);
      const adapted = new Map<string, AdaptedLinear>();
      for (const group of groups) {
        const modules = group.targets.map((target) => {
          const { name, hasBias } = target;
          const frozen: TensorMap = {};
          for (const key of Object.keys(recipe.shared ?? {})) frozen[key] = given[key]!;
          for (const key of Object.keys(recipe.frozen?.get(name) ?? {}))
            frozen[key] = given[`${name}.${key}`]!;
          const weight = () => given[`${name}.weight`]!;
          return {
            target,
            frozen,
            weight,
            bias: () => (hasBias ? given[`${name}.bias`] : undefined),
            dropout,
          };
        });
        const prepared = prepare(stackedOf(group, parameters), { modules, dropout });
        modules.forEach((module, i) => {
          const bound = { ...module, own: prepared[i]! };
          adapted.set(module.target.name, (x, base) => recipe.apply(x, base, bound));
        });
      }
      return adapted;
    },
    mergedWeights,
    ...(recipe.lowRank ? { lowRankDeltas } : {}),
    ...(recipe.penalty
      ? {
          penalty: ({ parameters }: Bindings) =>
            recipe.penalty!(groups.map((group) => stackedOf(group, parameters))),
        }
      : {}),
    state: () =>
      new Map(
        targets.flatMap((target) =>
          ownValues(target).map(([key, value]): [string, WeightData] => [`${target.name}.${key}`, value]),
        ),
      ),
    ...(recipe.savedWeights ? { savedWeights: recipe.savedWeights } : {}),
    ...(recipe.weightsLoaded ? { weightsLoaded: () => recipe.weightsLoaded!() } : {}),
    ...(recipe.basis ? { basis: () => recipe.basis!() } : {}),
    ...(recipe.adoptBasis
      ? { adoptBasis: (modules: object, origin: string) => recipe.adoptBasis!(modules, origin) }
      : {}),
    ...(recipe.rebased
      ? {
          stateIn(modules: object, origin: string) {
            const { values, record } = recipe.rebased!(modules, origin);
            const state = targets.flatMap((target) =>
              ownValues(target).map(([key, value]): [string, WeightData] => [
                `${target.name}.${key}`,
                { ...value, data: values(target.name, key, value.data) },
              ]),
            );
            return { state: new Map(state), basis: record };
          },
        }
      : {}),
  };
}

/** Numbers in a stack of trained values: 4 GB, beyond which one array is no way to keep them. */
const LARGEST = 2 ** 30;

function groupTargets(targets: readonly Target[], recipe: Recipe, seed: number): StackedGroup[] {
  const byShapes = new Map<string, { trained: readonly TrainedTensor[][]; targets: Target[] }>();
  for (const target of targets) {
    const trained = [...recipe.trained(target)];
    const shapes = JSON.stringify(trained.map(({ key, shape }) => [key, shape]));
    const group = byShapes.get(shapes) ?? { trained: [], targets: [] };
    byShapes.set(shapes, { trained: [...group.trained, trained], targets: [...group.targets, target] });
  }
  return [...byShapes.values()].map((group, index) => {
    const first = group.trained[0]!;
    const parameters = new Map<string, Parameter>();
    first.forEach(({ key, shape, constrain }, place) => {
      const size = sizeOf(shape);
      if (size === 0) return;
      if (group.targets.length * size > LARGEST)
        throw new AdapterConfigError(
          `${key} of ${group.targets.length} modules would be [${shape}] each, more than ${LARGEST} numbers together: lower the rank`,
        );
      const data = new Float32Array(group.targets.length * size);
      group.targets.forEach(({ name }, i) => {
        const stream = RandomStream.from(seed, 'init', `${name}.${key}`);
        group.trained[i]![place]!.initialise?.(data.subarray(i * size, (i + 1) * size), stream);
      });
      parameters.set(key, {
        name: byShapes.size === 1 ? key : `${key}/${index}`,
        shape: [group.targets.length, ...shape],
        group: 'adapter',
        data,
        ...(constrain ? { constrain: eachOf(group.targets.length, constrain) } : {}),
      });
    });
    return { targets: group.targets, trained: first, parameters };
  });
}

/** Runs `change` on each of `count` equal pieces. */
function eachOf(count: number, change: (data: Float32Array) => void): (data: Float32Array) => void {
  return (data) => {
    const size = data.length / count;
    for (let i = 0; i < count; i++) change(data.subarray(i * size, (i + 1) * size));
  };
}

/** The slices of [count, ...] tensors along the first axis. */
export function unstackAll(stacked: TensorMap, count: number): TensorMap[] {
  const pieces = Object.entries(stacked).map(([key, tensor]) => [key, unstack(tensor, count)] as const);
  return Array.from({ length: count }, (_, i) =>
    Object.fromEntries(pieces.map(([key, all]) => [key, all[i]!])),
  );
}

/** @param stacked [count, ...] */
export function unstack(stacked: Tensor, count: number): Tensor[] {
  // tfjs's gradient of an unstack into one piece fails.
  return count === 1 ? [tf.reshape(stacked, stacked.shape.slice(1))] : tf.unstack(stacked);
}

/** The current frozen weights of modules, float32. */
export function frozenWeights(targets: readonly Target[]): (module: string) => Promise<Float32Array> {
  return async (module) => {
    const { weight } = targets.find(({ name }) => name === module)!;
    return Float32Array.from(await readWeight(weight));
  };
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

/** Merged minus frozen weight of one module, float32 [out, in]; without the frozen weight's rounding where possible. */
export async function deltaWeight(layers: AdapterLayers, module: string): Promise<Float32Array> {
  if (layers.lowRankDeltas)
    for await (const [, { a, b }] of layers.lowRankDeltas([module])) {
      const [rank, columns] = a.shape as [number, number];
      return (
        await gemm({ rows: b.shape[0]!, columns: rank, data: b.data }, { rows: rank, columns, data: a.data })
      ).data;
    }
  const weightOf = frozenWeights(layers.targets);
  for await (const [, merged] of layers.mergedWeights(weightOf, [module])) {
    const weight = await weightOf(module);
    return merged.map((value, i) => value - weight[i]!);
  }
  throw new Error(`no module "${module}" among the adapted ones`);
}
