/** What weights a model needs: one list that checks a checkpoint, initialises a new model and names its linear layers. */
import {
  type LinearModule,
  outlineWeight,
  RandomStream,
  type WeightData,
  type WeightSource,
} from '@psoft/engine';
import { LineError } from '@psoft/engine/errors';
import { ModelConfigError } from './configReader.ts';

export interface ParameterSpec {
  readonly shape: readonly number[];
  /** How a new one starts: normal(0, initializer_range), or a constant. */
  readonly initial: 'normal' | number;
  /** A row of an embedding that starts at zero: the padding token's. */
  readonly zeroRow?: number;
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

/** Numbers in one parameter: the table of Llama 3.1 405B, the largest published one of these families, just fits. */
const LARGEST = 2 ** 31;
/** In one that is made anew, which takes time and memory at once. */
const LARGEST_NEW = 2 ** 26;

/** A model's parameters and linear layers, both in forward order. */
export class ParameterList {
  readonly parameters = new Map<string, ParameterSpec>();
  readonly linears: LinearModule[] = [];
  readonly headModules: readonly string[];
  /** Standard deviation of the normal ones of a new model: initializer_range. */
  readonly initializerRange: number;

  constructor(headModules: readonly string[], initializerRange: number) {
    this.headModules = headModules;
    this.initializerRange = initializerRange;
  }

  linear(name: string, inFeatures: number, outFeatures: number, hasBias = true): void {
    this.linears.push({ name, inFeatures, outFeatures, hasBias });
    this.#add(`${name}.weight`, { shape: [outFeatures, inFeatures], initial: 'normal' });
    if (hasBias) this.#add(`${name}.bias`, { shape: [outFeatures], initial: 0 });
  }

  layerNorm(name: string, size: number): void {
    this.#add(`${name}.weight`, { shape: [size], initial: 1 });
    this.#add(`${name}.bias`, { shape: [size], initial: 0 });
  }

  embedding(name: string, rows: number, size: number, zeroRow?: number): void {
    const spec = { shape: [rows, size], initial: 'normal' } as const;
    this.#add(`${name}.weight`, zeroRow === undefined ? spec : { ...spec, zeroRow });
  }

  bias(name: string, size: number): void {
    this.parameter(name, [size], 0);
  }

  parameter(name: string, shape: readonly number[], initial: ParameterSpec['initial']): void {
    this.#add(name, { shape, initial });
  }

  /** Sizes come from a file: one that no array has must not be asked for. */
  #add(name: string, spec: ParameterSpec): void {
    const size = sizeOf(spec.shape);
    if (size > LARGEST)
      throw new ModelConfigError(
        `config: ${name} would be [${spec.shape}], ${size} numbers; at most ${LARGEST}`,
      );
    this.parameters.set(name, spec);
  }

  isHead(parameter: string): boolean {
    return this.headModules.some((module) => parameter.startsWith(`${module}.`));
  }

  /**
   * The weights this model reads, in forward order; a checkpoint may hold others.
   * @throws ModelWeightsError that lists the first missing and misshapen ones
   */
  select(weights: ReadonlyMap<string, WeightSource>): Map<string, WeightSource> {
    const selected = new Map<string, WeightSource>();
    const missing: string[] = [];
    const misshapen: string[] = [];
    for (const [name, { shape }] of this.parameters) {
      const source = weights.get(name);
      if (source === undefined) missing.push(name);
      else if (String(source.shape) !== String(shape))
        misshapen.push(`${name} is [${source.shape}], expected [${shape}]`);
      else selected.set(name, source);
    }
    if (missing.length + misshapen.length === 0) return selected;
    const problems = [...(missing.length > 0 ? [`missing ${firstFew(missing)}`] : []), ...misshapen];
    const hint =
      misshapen.length === 0 && missing.every((name) => this.isHead(name))
        ? ': create the new head with initialiseHeads'
        : ': check that config and checkpoint belong together';
    throw new ModelWeightsError(`weights do not fit the model: ${firstFew(problems, '; ')}${hint}`);
  }

  /** Every parameter by its shape alone. */
  outline(): Map<string, WeightData> {
    return new Map([...this.parameters].map(([name, { shape }]) => [name, outlineWeight(shape)]));
  }

  /**
   * New values for the parameters that `wanted` chooses. Each has a random stream of its own, so that none depends on
   * which others are made.
   * @param largest more numbers than this in one of them are refused: a new head's size is some file's word
   */
  initialise(
    seed: number,
    wanted: (name: string) => boolean,
    largest = LARGEST_NEW,
  ): Map<string, WeightData> {
    const made = new Map<string, WeightData>();
    for (const [name, { shape, initial, zeroRow }] of this.parameters) {
      if (!wanted(name)) continue;
      if (sizeOf(shape) > largest)
        throw new ModelConfigError(
          `config: ${name} is [${shape}] and has to be made: at most ${largest} numbers are; give a checkpoint that has it`,
        );
      const data = new Float32Array(sizeOf(shape));
      if (initial === 'normal') {
        const stream = RandomStream.from(seed, 'init', name);
        for (let i = 0; i < data.length; i++) data[i] = this.initializerRange * stream.normal();
      } else data.fill(initial);
      const width = shape.at(-1)!;
      if (zeroRow !== undefined) data.fill(0, zeroRow * width, (zeroRow + 1) * width);
      made.set(name, { kind: 'data', data, shape });
    }
    return made;
  }
}

/** Weights that a model needs are absent or of another shape. */
export class ModelWeightsError extends LineError {
  override readonly name = 'ModelWeightsError';
}

function firstFew(names: readonly string[], separator = ', '): string {
  const rest = names.length - 5;
  return names.slice(0, 5).join(separator) + (rest > 0 ? ` and ${rest} more` : '');
}
