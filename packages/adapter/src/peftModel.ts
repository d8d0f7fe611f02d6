/** A model with an adapter on it. */
import {
  type Bindings,
  type Model,
  type Parameter,
  plainScope,
  readWeight,
  type Scope,
  type TensorMap,
  type TrainableModel,
  type WeightData,
  type WeightSource,
} from '@psoft/engine';
import type { AdapterConfig } from './config.ts';
import { AdapterError } from './errors.ts';
import { type LoadOptions, loadAdapter } from './load.ts';
import type { AdapterLayers, AdapterMethod, InitialiseOptions } from './method.ts';
import { methodNamed } from './registry.ts';
import { exportLora, saveAdapter } from './save.ts';
import { deltaWeight, frozenWeights } from './stacked.ts';
import { findTargets, isWithin, savedModules } from './target.ts';

export interface PeftOptions extends Partial<InitialiseOptions> {}

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
  const method = methodNamed(config.method);
  const targets = findTargets(model, config);
  const layers = await method.create(targets, config, { seed: 0, ...options });
  return new PeftModel(
    model,
    config,
    method,
    layers,
    await headParameters(model, savedModules(model, config)),
  );
}

export class PeftModel implements TrainableModel {
  readonly parameters: readonly Parameter[];
  readonly targetModules: readonly string[];
  #merged: ReadonlyMap<string, WeightData> | undefined;
  #isEnabled = true;
  readonly #frozen: ReadonlyMap<string, WeightSource>;
  readonly #hasBias: ReadonlySet<string>;

  /** Use {@link getPeftModel}. */
  constructor(
    readonly base: Model,
    readonly config: AdapterConfig,
    readonly method: AdapterMethod,
    readonly layers: AdapterLayers,
    /** Head modules' parameters, by checkpoint name. */
    readonly heads: readonly Parameter[],
  ) {
    this.parameters = [...layers.parameters, ...heads];
    this.targetModules = layers.targets.map(({ name }) => name);
    this.#frozen = new Map<string, WeightSource>([...base.weights, ...layers.weights]);
    this.#hasBias = new Set(base.linears.filter(({ hasBias }) => hasBias).map(({ name }) => name));
  }

  /** Frozen tensors: the base model's (merged ones in place of targets while merged and enabled) and the adapters' own. */
  get weights(): ReadonlyMap<string, WeightSource> {
    const isPlain = this.#merged === undefined || !this.#isEnabled;
    return isPlain ? this.#frozen : new Map([...this.#frozen, ...this.#merged!]);
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
   * only after {@link unmerge}. The base model's own tensors stay as they are.
   * @param options.safeMerge refuses values that are not finite (default true)
   * @throws AdapterError naming the first module whose merged weight is not finite
   */
  async merge({ safeMerge = true }: { safeMerge?: boolean } = {}): Promise<void> {
    if (this.isMerged) return;
    this.#merged = await this.#mergedTargets(safeMerge);
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
      ...(this.#merged ?? (await this.#mergedTargets(safeMerge))),
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
   * among them, and the basis they refer to. Each file appears whole or not at all; the same values give the same bytes.
   */
  savePretrained(folder: string): Promise<void> {
    return saveAdapter(this, folder);
  }

  /** Writes the update as an ordinary LoRA adapter, which every PEFT loads. See {@link exportLora}. */
  exportLora(folder: string): Promise<void> {
    return exportLora(this, folder);
  }

  /**
   * An adapter that was saved, on its base model. See {@link loadAdapter} for what is refused.
   * @param options.basis for an adapter saved by PEFT itself: the file that tools/reference/psoft_basis.py wrote
   */
  static fromPretrained(model: Model, folder: string, options: LoadOptions = {}): Promise<PeftModel> {
    return loadAdapter(model, folder, options);
  }

  async #mergedTargets(safeMerge: boolean): Promise<Map<string, WeightData>> {
    const merged = new Map<string, WeightData>();
    for await (const [module, data] of this.layers.mergedWeights(frozenWeights(this.layers.targets))) {
      const name = `${module}.weight`;
      const source = this.base.weights.get(name)!;
      const wrong = safeMerge ? data.findIndex((value) => !Number.isFinite(value)) : -1;
      if (wrong >= 0)
        throw new AdapterError(
          `merging "${module}": the merged weight holds ${data[wrong]} at place ${wrong}: the adapter or the base weight is broken; nothing was merged`,
        );
      merged.set(name, { kind: 'data', data, shape: source.shape });
    }
    return merged;
  }
}

/** Trainable copies of the weights of whole modules. */
async function headParameters(model: Model, modules: readonly string[]): Promise<Parameter[]> {
  const parameters: Parameter[] = [];
  for (const [name, source] of model.weights)
    if (modules.some((module) => isWithin(name, module)))
      parameters.push({
        name,
        shape: source.shape,
        group: 'head',
        data: Float32Array.from(await readWeight(source)),
      });
  return parameters;
}
