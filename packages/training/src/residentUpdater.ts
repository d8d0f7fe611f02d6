/** Parameters, gradient and AdamW's moments that stay on the device, and the programs that work on them there. */
import {
  type CompileOptions,
  compile,
  type Program,
  ResidentTensor,
  type Tensor,
  type TensorMap,
  type TensorSpec,
  tf,
} from '@psoft/engine';
import { ADAMW_DEFAULTS, type AdamWConfig, type AdamWState, initialState } from './optimiser.ts';
import type { ParameterRange, ParameterVector } from './parameters.ts';
import type { StepFactors, StepInput, TrainStep } from './programs.ts';
import type { RateOf, Updater } from './updater.ts';

const SCALAR: TensorSpec = { shape: [], dtype: 'float32' };

const ROW = 1024;

export class ResidentUpdater implements Updater {
  readonly takesNext = true;
  #step = 0;
  /** Of the update that is under way. */
  #parts = 0;
  /** Whether the vector's values are older than those on the device. */
  #isStale = false;

  private constructor(
    private readonly vector: ParameterVector,
    private readonly config: AdamWConfig,
    private readonly tensors: Readonly<
      Record<'parameters' | 'gradient' | 'sum' | 'first' | 'second', ResidentTensor> & {
        codes?: ResidentTensor;
      }
    >,
    private readonly programs: Readonly<Record<'sum' | 'norm' | 'update', Program>>,
    private readonly groups: readonly ParameterRange['group'][],
  ) {}

  /**
   * The values are the vector's.
   * @throws DeviceError where the device has not the memory
   */
  static async create(
    vector: ParameterVector,
    config: Partial<AdamWConfig>,
    { executor = 'cpu', threads, tf32 }: CompileOptions,
  ): Promise<ResidentUpdater> {
    const settings = { ...ADAMW_DEFAULTS, ...config };
    const flat: TensorSpec = { shape: [vector.size], dtype: 'float32' };
    const device = executor as 'cpu' | 'cuda';
    const made = () => ResidentTensor.create(device, flat);
    const tensors = {
      parameters: await made(),
      gradient: await made(),
      sum: await made(),
      first: await made(),
      second: await made(),
    };
    const { parameters, gradient, sum, first, second } = tensors;
    const groups = [...new Set(vector.ranges.map(({ group }) => group))];
    const codes = groups.length === 1 ? {} : { codes: await groupCodes(device, vector, groups) };
    const compiled = (
      name: string,
      fn: (inputs: TensorMap) => TensorMap,
      resident: Record<string, ResidentTensor>,
      others: Record<string, TensorSpec> = {},
    ) => {
      const held = Object.fromEntries(Object.entries(resident).map(([key, { spec }]) => [key, spec]));
      return compile(
        fn,
        { inputs: { ...held, ...others } },
        {
          name,
          executor,
          binding: 'native',
          resident,
          // One pass over the values is worth starting a kernel from JavaScript.
          kernels: true,
          ...(threads === undefined ? {} : { threads }),
          // One choice a process, though nothing here is a product.
          ...(tf32 === undefined ? {} : { tf32 }),
        },
      );
    };
    const rates: TensorSpec = { shape: [groups.length, 1], dtype: 'float32' };
    const programs = {
      sum: await compiled('sum of gradients', (t) => ({ sum: tf.add(t.sum!, t.gradient!) }), {
        sum,
        gradient,
      }),
      norm: await compiled('gradient norm', (t) => ({ square: sumOfSquares(t.gradient!) }), {
        gradient: sum,
      }),
      update: await compiled(
        'AdamW',
        updateOf(settings),
        { parameters, gradient: sum, first, second, ...codes },
        { scale: SCALAR, rootCorrection: SCALAR, decay: rates, stepSize: rates },
      ),
    };
    const updater = new ResidentUpdater(vector, settings, { ...tensors, ...codes }, programs, groups);
    await updater.restore(initialState(vector.size));
    return updater;
  }

  /** A program leaves its gradient in one place; what an update's parts sum to is in another. */
  get resident() {
    const { parameters, gradient } = this.tensors;
    return { parameters, gradient };
  }

  async add(
    step: TrainStep,
    input: StepInput,
    factors?: StepFactors,
    next?: StepInput['batch'],
  ): Promise<number> {
    const { loss } = await step.program.run(step.inputs(input, factors), next);
    if (this.#parts === 0) this.tensors.sum.copyFrom(this.tensors.gradient);
    else await this.programs.sum.run({});
    this.#parts++;
    return loss!.data[0]!;
  }

  async norm(): Promise<number> {
    const { square } = await this.programs.norm.run({});
    return Math.sqrt(square!.data[0]!);
  }

  gradient(): Float32Array {
    return this.tensors.sum.read();
  }

  async update(learningRate: RateOf, scale: number): Promise<void> {
    const { beta1, beta2, weightDecay } = this.config;
    this.#step++;
    const correction1 = 1 - beta1 ** this.#step;
    const rates = this.groups.map(learningRate);
    await this.programs.update.run({
      scale: Float32Array.of(scale),
      rootCorrection: Float32Array.of(Math.sqrt(1 - beta2 ** this.#step)),
      decay: Float32Array.from(rates, (rate) => 1 - rate * weightDecay),
      stepSize: Float32Array.from(rates, (rate) => rate / correction1),
    });
    this.#isStale = true;
    this.skip();
  }

  skip(): void {
    this.#parts = 0;
  }

  pull(): void {
    if (this.#isStale) this.tensors.parameters.read(this.vector.values);
    this.#isStale = false;
  }

  get state(): AdamWState {
    const { first, second } = this.tensors;
    return { step: this.#step, firstMoment: first.read(), secondMoment: second.read() };
  }

  async restore({ step, firstMoment, secondMoment }: AdamWState): Promise<void> {
    const { parameters, first, second } = this.tensors;
    this.#step = step;
    await parameters.write(this.vector.values);
    await first.write(firstMoment);
    await second.write(secondMoment);
    this.#isStale = false;
  }

  async dispose(): Promise<void> {
    for (const program of Object.values(this.programs)) await program.dispose();
    for (const tensor of Object.values(this.tensors)) tensor.dispose();
  }
}

/** In two steps: a card sums one long row with a single block of threads. @param x [n] */
function sumOfSquares(x: Tensor): Tensor {
  const rows = Math.ceil(x.size / ROW);
  const whole = tf.pad(x, [[0, rows * ROW - x.size]]);
  return tf.sum(tf.sum(tf.reshape(tf.square(whole), [rows, ROW]), 1));
}

/** Of each value the number of its group, on the device: rates put together for all values would be copied. */
async function groupCodes(
  device: 'cpu' | 'cuda',
  { ranges, size }: ParameterVector,
  groups: readonly ParameterRange['group'][],
): Promise<ResidentTensor> {
  const codes = new Int32Array(size);
  for (const { group, offset, size } of ranges) codes.fill(groups.indexOf(group), offset, offset + size);
  const tensor = await ResidentTensor.create(device, { shape: [size], dtype: 'int32' });
  await tensor.write(codes);
  return tensor;
}

/**
 * {@link AdamW.update} for the whole vector, in float32; `decay` and `stepSize` are [groups, 1], and where there are several
 * groups `codes` says which is each value's.
 */
function updateOf({ beta1, beta2, epsilon }: AdamWConfig) {
  return ({
    parameters,
    gradient,
    first,
    second,
    codes,
    scale,
    rootCorrection,
    decay,
    stepSize,
  }: TensorMap) => {
    /** What is the group's, for each value. */
    const spread = (rates: Tensor): Tensor =>
      codes === undefined
        ? tf.reshape(rates, [])
        : tf.reshape(tf.gather(rates, codes as never) as Tensor, [codes.size]);
    const g = tf.mul(gradient!, scale!);
    const m = tf.add(tf.mul(first!, beta1), tf.mul(g, 1 - beta1)) as Tensor;
    const v = tf.add(tf.mul(second!, beta2), tf.mul(tf.square(g), 1 - beta2)) as Tensor;
    const change = tf.div(m, tf.add(tf.div(tf.sqrt(v), rootCorrection!), epsilon));
    const next = tf.sub(tf.mul(parameters!, spread(decay!)), tf.mul(change, spread(stepSize!)));
    return { parameters: next, first: m, second: v } as TensorMap;
  };
}
