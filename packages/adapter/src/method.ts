/**
 * What an adapter method is to the rest of the package. A method is one folder under `methods/` and one line in
 * `registry.ts`; configuration parsing, module matching, stacking, saving, merging and counting are shared.
 */
import type { Bindings, LinearModule, Parameter, Tensor, WeightData, WeightSource } from '@psoft/engine';
import type { AdapterConfig } from './config.ts';
import type { Fields } from './fields.ts';

/** A linear module to adapt. */
export interface Target extends LinearModule {
  /** Its frozen weight, [outFeatures, inFeatures]. */
  readonly weight: WeightSource;
}

export interface InitialiseOptions {
  /** Decides every random initial value. */
  readonly seed: number;
  /** Called after each module. */
  readonly onProgress?: (progress: { done: number; total: number; module: string }) => void;
}

/**
 * One adapted module within one forward pass.
 * @param x [..., in]
 * @param base y = x Wᵀ + bias of the frozen module
 * @returns [..., out]
 */
export type AdaptedLinear = (x: Tensor, base: (x: Tensor) => Tensor) => Tensor;

/** Low-rank form of an update: deltaWeight = b · a. */
export interface LowRankDelta {
  /** [rank, in] */
  readonly a: WeightData;
  /** [out, rank] */
  readonly b: WeightData;
}

/** A method at work on the target modules of one model. */
export interface AdapterLayers {
  readonly targets: readonly Target[];
  /** Frozen tensors of the adapters, by name. */
  readonly weights: ReadonlyMap<string, WeightData>;
  readonly parameters: readonly Parameter[];
  /**
   * Starts a forward pass: computes what the modules share, once.
   * @returns the adapted module of each target name
   */
  bind(bindings: Bindings): ReadonlyMap<string, AdaptedLinear>;
  /**
   * The weight of every target in turn with the adapter folded in, float32 [out, in].
   * @param weightOf the weight to fold into, row by row: the frozen one, or one that other adapters were folded into
   */
  mergedWeights(
    weightOf: (module: string) => Promise<Float32Array>,
    modules?: readonly string[],
  ): AsyncIterable<readonly [string, Float32Array]>;
  /** The updates as products of two thin matrices, where the method's update has that form. */
  lowRankDeltas?(modules?: readonly string[]): AsyncIterable<readonly [string, LowRankDelta]>;
  /** What the training loss has beside the task's own: a scalar, where the configuration asks for one. */
  penalty?(bindings: Bindings): Tensor;
  /** Trained tensors by PEFT's key below the module: `psoft_R.weight`. Views of the current values, not copies. */
  state(): Map<string, WeightData>;
  /** Frozen tensors that belong in the saved file, by their key in it. A file's take the place of these. */
  readonly savedWeights?: ReadonlyMap<string, WeightData>;
  /** To be called when {@link AdapterLayers.savedWeights} have been overwritten. */
  weightsLoaded?(): void;
  /** By module, what the trained values refer to beside the base weights: plain JSON for the saved file. */
  basis?(): Record<string, unknown>;
  /**
   * Makes frozen tensors what a saved record describes.
   * @param origin the file it stands in, for messages
   * @throws AdapterError when they cannot be made so
   */
  adoptBasis?(modules: object, origin: string): void;
  /** {@link AdapterLayers.state} and {@link AdapterLayers.basis} in terms of another recorded basis: the same update. */
  stateIn?(
    modules: object,
    origin: string,
  ): { readonly state: Map<string, WeightData>; readonly basis: Record<string, unknown> };
}

/** What `psoft methods` prints of a method. */
export interface MethodAbout {
  /** "Weight-Decomposed Low-Rank Adaptation". */
  readonly title: string;
  /** The adapted layer in one line. */
  readonly equation: string;
  /** Trained values of one layer with weight [d, n], d outputs and n inputs. */
  readonly parameters: string;
  /** Paper, and whose code is followed. */
  readonly source: string;
  /** The settings that `--rank` and `--alpha` set, where the method has them. */
  readonly rank?: string;
  readonly alpha?: string;
}

export interface AdapterMethod<C extends AdapterConfig = AdapterConfig> {
  /** In PEFT's files: "PSOFT". */
  readonly peftType: string;
  readonly about: MethodAbout;
  /** Settings and their defaults. */
  readonly fields: Fields;
  /** Whether values saved with `config` mean something only together with {@link AdapterLayers.basis}. */
  needsBasis?(config: C): boolean;
  /** Warns of, or refuses, a parsed adapter_config.json whose values mean something else than its settings say. */
  checkFile?(json: Readonly<Record<string, unknown>>): void;
  /** @throws AdapterConfigError for settings that are unknown, impossible or contradictory */
  configure(options: Readonly<Record<string, unknown>>): C;
  /** Trained values that one module gets. */
  parameterCount(target: LinearModule, config: C): number;
  /** @throws AdapterError before any work when a target cannot take the adapter */
  create(targets: readonly Target[], config: C, options: InitialiseOptions): Promise<AdapterLayers>;
}
