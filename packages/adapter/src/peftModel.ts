/** A model with adapters on it, one of them at work. */
import {
  type Bindings,
  type Model,
  type Parameter,
  plainScope,
  type Scope,
  type Tensor,
  type TensorMap,
  type TrainableModel,
  type WeightData,
  type WeightSource,
} from '@psoft/engine';
import { type CombineOptions, combineAdapters } from './combine.ts';
import type { AdapterConfig } from './config.ts';
import { AdapterError } from './errors.ts';
import { type InstalledAdapter, installAdapter, type PeftOptions } from './installed.ts';
import { type LoadOptions, loadAdapter } from './load.ts';
import { largestDifference, type MergeOptions, type MergeReport, mergedTargets, outputsOf } from './merge.ts';
import type { AdapterLayers, AdapterMethod } from './method.ts';
import { exportLora, type SaveOptions, saveAdapter } from './save.ts';
import { deltaWeight } from './stacked.ts';

/** The adapter that a model starts with, as in PEFT. */
const DEFAULT = 'default';

/**
 * Puts an adapter on a model: chooses the target modules, initialises the adapter, makes the head trainable.
 * The model itself is not changed.
 * @param options.seed decides random initial values (default 0)
 * @throws AdapterConfigError or AdapterError when settings and model do not fit
 */
export async function getPeftModel(
  model: Model,
  config: AdapterConfig,
  options: PeftOptions = {},
): Promise<PeftModel> {
  return new PeftModel(model, DEFAULT, await installAdapter(model, config, options));
}

/** Adapters share the base model; each has its own head. Everything below speaks of the active one unless it says so. */
export class PeftModel implements TrainableModel {
  readonly #adapters: Map<string, InstalledAdapter>;
  #active: string;
  #merged: ReadonlyMap<string, WeightData> | undefined;
  #isEnabled = true;
  readonly #hasBias: ReadonlySet<string>;

  /** Use {@link getPeftModel} or {@link PeftModel.fromPretrained}. */
  constructor(
    readonly base: Model,
    name: string,
    adapter: InstalledAdapter,
  ) {
    this.#adapters = new Map([[name, adapter]]);
    this.#active = name;
    this.#hasBias = new Set(base.linears.filter(({ hasBias }) => hasBias).map(({ name }) => name));
  }

  get config(): AdapterConfig {
    return this.#adapter.config;
  }

  get method(): AdapterMethod {
    return this.#adapter.method;
  }

  get layers(): AdapterLayers {
    return this.#adapter.layers;
  }

  /** Head modules' parameters, by checkpoint name. */
  get heads(): readonly Parameter[] {
    return this.#adapter.heads;
  }

  /** What is trained: the adapter's parameters and its head's. */
  get parameters(): readonly Parameter[] {
    return [...this.layers.parameters, ...this.heads];
  }

  get targetModules(): readonly string[] {
    return this.layers.targets.map(({ name }) => name);
  }

  /** Frozen tensors: the base model's (merged ones in place of targets while merged and enabled) and the adapter's own. */
  get weights(): ReadonlyMap<string, WeightSource> {
    const frozen = new Map<string, WeightSource>([...this.base.weights, ...this.layers.weights]);
    const isPlain = this.#merged === undefined || !this.#isEnabled;
    return isPlain ? frozen : new Map([...frozen, ...this.#merged!]);
  }

  get adapterNames(): readonly string[] {
    return [...this.#adapters.keys()];
  }

  get activeAdapter(): string {
    return this.#active;
  }

  /**
   * Puts a further adapter on the base model; the active one stays active.
   * @throws AdapterError for a name that is taken, before any work
   */
  async addAdapter(name: string, config: AdapterConfig, options: PeftOptions = {}): Promise<void> {
    this.#checkNew(name);
    this.#add(name, await installAdapter(this.base, config, options));
  }

  /** A saved adapter as a further one. See {@link loadAdapter} for what is refused. */
  async loadAdapter(folder: string, name: string, options: LoadOptions = {}): Promise<void> {
    this.#checkNew(name);
    this.#add(name, await loadAdapter(this.base, folder, options));
  }

  /**
   * A weighted sum of adapters' updates as a further, ordinary LoRA adapter.
   * @throws AdapterError for a name that is taken and for what {@link combineAdapters} refuses
   */
  async addWeightedAdapter(name: string, options: CombineOptions): Promise<void> {
    this.#checkNew(name);
    this.#add(name, await combineAdapters(this.base, this.#adapters, options));
  }

  /**
   * Makes another adapter the one at work. A program that was compiled before keeps the former.
   * @throws AdapterError for an unknown name, and while an adapter is merged
   */
  setAdapter(name: string): void {
    this.#named(name);
    if (this.isMerged && name !== this.#active)
      throw new AdapterError(`adapter "${this.#active}" is merged: unmerge before changing to "${name}"`);
    this.#active = name;
  }

  /** @throws AdapterError for an unknown name and for the active adapter */
  deleteAdapter(name: string): void {
    this.#named(name);
    if (name === this.#active)
      throw new AdapterError(
        `adapter "${name}" is active: change to another first (there are ${this.adapterNames.join(', ')})`,
      );
    this.#adapters.delete(name);
  }

  /** Whether the adapter is folded into the weights at present. */
  get isMerged(): boolean {
    return this.#merged !== undefined;
  }

  /** Whether forward passes use the adapter and the trained head, or the base model as it was. */
  get isEnabled(): boolean {
    return this.#isEnabled;
  }

  /** Computes the base model's outputs with the adapter at work. A compiled program keeps the state it was traced in. */
  forward(bindings: Bindings, inputs: TensorMap): TensorMap {
    const hasBias = (module: string): boolean => this.#hasBias.has(module);
    if (!this.#isEnabled)
      return this.base.forward(plainScope({ ...bindings, parameters: {} }, hasBias), inputs);
    const plain = plainScope(bindings, hasBias);
    if (this.isMerged) return this.base.forward(plain, inputs);
    const adapted = this.layers.bind(bindings);
    const scope: Scope = {
      ...plain,
      linear: (x, name) => {
        const adapter = adapted.get(name);
        return adapter === undefined ? plain.linear(x, name) : adapter(x, (y) => plain.linear(y, name));
      },
    };
    return this.base.forward(scope, inputs);
  }

  /** What the configuration adds to the training loss: a scalar, or nothing. */
  penalty(bindings: Bindings): Tensor | undefined {
    return this.#isEnabled && !this.isMerged ? this.layers.penalty?.(bindings) : undefined;
  }

  /** Trained values: of adapters and head together, or of the adapters alone. */
  trainableParameterCount({ heads = true }: { heads?: boolean } = {}): number {
    const counted = heads ? this.parameters : this.layers.parameters;
    return counted.reduce((sum, { data }) => sum + data.length, 0);
  }

  /** All values, as PEFT counts: the base model, the adapters, and the head a second time. Frozen A and B are not in it. */
  parameterCount(): number {
    let count = this.trainableParameterCount();
    for (const { shape } of this.base.weights.values())
      count += shape.reduce((product, size) => product * size, 1);
    return count;
  }

  /** Prints, and returns, one line in PEFT's form. */
  printTrainableParameters(print: (line: string) => void = console.log): string {
    const [trained, all] = [this.trainableParameterCount(), this.parameterCount()];
    const grouped = (value: number): string => value.toLocaleString('en-US');
    const line = `trainable params: ${grouped(trained)} || all params: ${grouped(all)} || trainable%: ${((100 * trained) / all).toFixed(4)}`;
    print(line);
    return line;
  }

  /** Forward passes from now on compute the base model's outputs, its original head included. */
  disableAdapter(): void {
    this.#isEnabled = false;
  }

  enableAdapter(): void {
    this.#isEnabled = true;
  }

  /**
   * Merged minus frozen weight of one target module, float32 [out, in] row by row.
   * @throws AdapterError for a module without adapter
   */
  async deltaWeight(module: string): Promise<Float32Array> {
    if (this.targetModules.includes(module)) return deltaWeight(this.layers, module);
    throw new AdapterError(`"${module}" has no adapter; adapted are ${this.targetModules.join(', ')}`);
  }

  /**
   * Folds the adapter into the weights, in float32. Forward passes then cost what the base model costs; training goes on
   * only after {@link unmerge}. The base model's own tensors stay as they are. Once merged, nothing more happens.
   * @param options.inputs a batch on which the report compares the outputs before and after
   * @throws AdapterError naming the first module whose merged weight is not finite
   */
  async merge({ safeMerge = true, inputs }: MergeOptions = {}): Promise<MergeReport> {
    const modules = this.targetModules.length;
    if (this.isMerged) return { modules, largestChange: 0, ...(inputs ? { logitDrift: 0 } : {}) };
    const { merged, largestChange } = await mergedTargets(this.base, this.layers, safeMerge);
    const before = inputs && (await outputsOf(this, inputs));
    this.#merged = merged;
    if (inputs === undefined) return { modules, largestChange };
    return { modules, largestChange, logitDrift: largestDifference(before!, await outputsOf(this, inputs)) };
  }

  /** Back to separate adapters, exactly: the base weights were never touched. */
  unmerge(): void {
    this.#merged = undefined;
  }

  /** A plain model that computes the same as this one: merged targets, the trained head, no adapter. */
  async mergeAndUnload({ safeMerge = true }: { safeMerge?: boolean } = {}): Promise<Model> {
    const { base, heads } = this;
    const weights = new Map<string, WeightSource>([
      ...base.weights,
      ...(this.#merged ?? (await mergedTargets(base, this.layers, safeMerge)).merged),
      ...heads.map(({ name, data, shape }): [string, WeightData] => [
        name,
        { kind: 'data', data: data.slice(), shape },
      ]),
    ]);
    return {
      architecture: base.architecture,
      config: base.config,
      weights,
      linears: base.linears,
      headModules: base.headModules,
      forward: (scope, inputs) => base.forward(scope, inputs),
    };
  }

  /**
   * Writes adapter_model.safetensors and adapter_config.json into `folder`, in PEFT's layout: trained values, the head
   * among them, and what they refer to. Each file appears whole or not at all; the same values give the same bytes.
   * @param options.adapter another one than the active
   * @param options.basis for loading with PEFT where that basis file was made
   */
  async savePretrained(
    folder: string,
    { adapter = this.#active, ...options }: SaveOptions & { adapter?: string } = {},
  ): Promise<void> {
    await saveAdapter(this.base, this.#named(adapter), folder, options);
  }

  /** Writes the update as an ordinary LoRA adapter, which every PEFT loads. See {@link exportLora}. */
  exportLora(folder: string): Promise<void> {
    return exportLora(this.base, this.#adapter, folder);
  }

  /**
   * An adapter that was saved, on its base model. See {@link loadAdapter} for what is refused.
   * @param options.basis for a PSOFT adapter saved by PEFT itself: the file that tools/reference/psoft_basis.py wrote
   */
  static async fromPretrained(model: Model, folder: string, options: LoadOptions = {}): Promise<PeftModel> {
    return new PeftModel(model, DEFAULT, await loadAdapter(model, folder, options));
  }

  get #adapter(): InstalledAdapter {
    return this.#adapters.get(this.#active)!;
  }

  #named(name: string): InstalledAdapter {
    const adapter = this.#adapters.get(name);
    if (adapter === undefined)
      throw new AdapterError(`no adapter "${name}"; there are ${this.adapterNames.join(', ')}`);
    return adapter;
  }

  /** Checks once more: another adapter may have taken the name meanwhile. */
  #add(name: string, adapter: InstalledAdapter): void {
    this.#checkNew(name);
    this.#adapters.set(name, adapter);
  }

  #checkNew(name: string): void {
    if (name === '') throw new AdapterError('an adapter needs a name, got ""');
    if (this.#adapters.has(name))
      throw new AdapterError(`there is an adapter "${name}" already: delete it first or take another name`);
  }
}
