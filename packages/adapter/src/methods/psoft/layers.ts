/** PSOFT on all target modules of a model. */
import {
  type Bindings,
  compile,
  gemm,
  type Parameter,
  RandomStream,
  type Tensor,
  tf,
  type WeightData,
} from '@psoft/engine';
import { skewSize } from '../../math/skew.ts';
import type { AdaptedLinear, AdapterLayers, InitialiseOptions, LowRankDelta, Target } from '../../method.ts';
import { checkRank, type PrincipalSubspace, principalSubspace } from './basis.ts';
import { adoptModuleBasis, type ModuleBasis, recordBasis } from './basisRecord.ts';
import type { PsoftConfig } from './config.ts';
import { addRotated, cores, type PsoftTensors } from './layer.ts';

/** Trained tensors by PEFT's key; all modules' values are stacked under it. */
const WEIGHT = 'psoft_R.weight';
const INPUT_MAGNITUDE = 'psoft_R.vector_a';
const OUTPUT_MAGNITUDE = 'psoft_R.vector_b';

/** Spread of R's entries when initWeights is false, as in PEFT. */
const RANDOM_INITIAL = 0.1;

export class PsoftLayers implements AdapterLayers {
  readonly weights = new Map<string, WeightData>();
  readonly parameters: readonly Parameter[];

  private constructor(
    readonly targets: readonly Target[],
    readonly config: PsoftConfig,
    /** Of each target, in the same order. */
    readonly subspaces: readonly PrincipalSubspace[],
    seed: number,
  ) {
    targets.forEach(({ name }, i) => {
      this.weights.set(`${name}.psoft_A`, subspaces[i]!.a);
      this.weights.set(`${name}.psoft_B`, subspaces[i]!.b);
    });
    this.parameters = initialParameters(targets, config, seed);
  }

  static async create(
    targets: readonly Target[],
    config: PsoftConfig,
    { seed, onProgress }: InitialiseOptions,
  ): Promise<PsoftLayers> {
    for (const target of targets) checkRank(target, config.r);
    const subspaces: PrincipalSubspace[] = [];
    for (const target of targets) {
      subspaces.push(await principalSubspace(target, config));
      onProgress?.({ done: subspaces.length, total: targets.length, module: target.name });
    }
    return new PsoftLayers(targets, config, subspaces, seed);
  }

  bind({ weights, parameters, dropout }: Bindings): Map<string, AdaptedLinear> {
    const { config, targets } = this;
    const stacked = cores(tensorsOf(parameters), targets.length, config);
    // tfjs's gradient of an unstack into one piece fails.
    const all = targets.length === 1 ? [tf.reshape(stacked, [config.r, config.r])] : tf.unstack(stacked);
    return new Map(
      targets.map(({ name }, i): [string, AdaptedLinear] => [
        name,
        (x, base) => {
          const dropped = dropout && config.psoftDropout > 0 ? dropout(x, config.psoftDropout) : x;
          const [a, b] = [weights[`${name}.psoft_A`]!, weights[`${name}.psoft_B`]!];
          return addRotated(dropped, base(x), a, b, all[i]! as Tensor);
        },
      ]),
    );
  }

  /** deltaWeight = (B C) A. */
  async *lowRankDeltas(names?: readonly string[]): AsyncGenerator<readonly [string, LowRankDelta]> {
    const { r } = this.config;
    const all = await this.currentCores();
    for (const [i, { name }] of this.targets.entries()) {
      if (names && !names.includes(name)) continue;
      const { a, b } = this.subspaces[i]!;
      const core = { rows: r, columns: r, data: all.subarray(i * r * r, (i + 1) * r * r) };
      const { data } = await gemm({ rows: b.shape[0]!, columns: r, data: b.data }, core);
      yield [name, { a, b: { kind: 'data', data, shape: b.shape } }];
    }
  }

  async *deltaWeights(names?: readonly string[]): AsyncGenerator<readonly [string, Float32Array]> {
    for await (const [name, { a, b }] of this.lowRankDeltas(names)) {
      const [rank, columns] = a.shape as [number, number];
      const left = { rows: b.shape[0]!, columns: rank, data: b.data };
      yield [name, (await gemm(left, { rows: rank, columns, data: a.data })).data];
    }
  }

  state(): Map<string, WeightData> {
    const { targets } = this;
    const state = new Map<string, WeightData>();
    const none = { data: new Float32Array(0), shape: [targets.length, 0] };
    const weight = this.parameters.find(({ name }) => name === WEIGHT) ?? none;
    const stacked = [{ ...weight, name: WEIGHT }, ...this.parameters.filter(({ name }) => name !== WEIGHT)];
    targets.forEach((target, i) => {
      for (const { name, shape, data } of stacked) {
        const own = shape.slice(1);
        const size = own.reduce((product, length) => product * length, 1);
        state.set(`${target.name}.${name}`, {
          kind: 'data',
          data: data.subarray(i * size, (i + 1) * size),
          shape: own,
        });
      }
    });
    return state;
  }

  basis(): Record<string, ModuleBasis> {
    return Object.fromEntries(
      this.targets.map(({ name }, i) => {
        const { a, b } = this.subspaces[i]!;
        return [name, recordBasis(a, b)];
      }),
    );
  }

  adoptBasis(modules: object, origin: string): void {
    this.targets.forEach(({ name }, i) => {
      const { a, b } = this.subspaces[i]!;
      adoptModuleBasis(name, a, b, (modules as Record<string, unknown>)[name], origin);
    });
  }

  /** The cores for the parameters' present values, [L, r, r] flattened: the forward pass's own code, compiled. */
  async currentCores(): Promise<Float32Array> {
    const { config, targets, parameters } = this;
    const inputs = Object.fromEntries(
      parameters.map(({ name, shape }) => [name, { shape, dtype: 'float32' as const }]),
    );
    const program = await compile(
      (given) => ({ cores: cores(tensorsOf(given), targets.length, config) }),
      { inputs },
      { name: 'cores' },
    );
    try {
      const result = await program.run(Object.fromEntries(parameters.map(({ name, data }) => [name, data])));
      return result.cores!.data as Float32Array;
    } finally {
      await program.dispose();
    }
  }
}

function tensorsOf(parameters: Readonly<Record<string, Tensor>>): PsoftTensors {
  return {
    weight: parameters[WEIGHT],
    inputMagnitude: parameters[INPUT_MAGNITUDE],
    outputMagnitude: parameters[OUTPUT_MAGNITUDE],
  };
}

/** Q = 0 (or R = I) and ones, so that training starts from the base model; random ones for tests if asked for. */
function initialParameters(targets: readonly Target[], config: PsoftConfig, seed: number): Parameter[] {
  const { r, psoftOrth, psoftMagA, psoftMagB, initWeights } = config;
  const count = targets.length;
  const parameters: Parameter[] = [];
  const own = psoftOrth ? [skewSize(r)] : [r, r];
  const size = own.reduce((product, length) => product * length, 1);
  if (size > 0) {
    const data = new Float32Array(count * size);
    if (!psoftOrth)
      for (let i = 0; i < data.length; i++) data[i] = Math.floor((i % size) / r) === i % r ? 1 : 0;
    if (!initWeights)
      targets.forEach(({ name }, i) => {
        const stream = RandomStream.from(seed, 'init', `${name}.${WEIGHT}`);
        for (let j = i * size; j < (i + 1) * size; j++) data[j]! += RANDOM_INITIAL * stream.normal();
      });
    parameters.push({ name: WEIGHT, shape: [count, ...own], group: 'adapter', data });
  }
  const magnitude = (name: string): Parameter => ({
    name,
    shape: [count, r],
    group: 'adapter',
    data: new Float32Array(count * r).fill(1),
  });
  if (psoftMagA) parameters.push(magnitude(INPUT_MAGNITUDE));
  if (psoftMagB) parameters.push(magnitude(OUTPUT_MAGNITUDE));
  return parameters;
}
