/** The programs of a training run: one step (loss and gradient) and one evaluation (logits), for each padded length. */
import {
  type CompileOptions,
  compile,
  createDropout,
  DROPOUT_STEP,
  loop,
  type Program,
  type ProgramFunction,
  type Signature,
  type Tensor,
  type TensorMap,
  type TensorSpec,
  type TrainableModel,
  type TypedArray,
  tf,
  type WeightLookup,
} from '@psoft/engine';
import { type ParameterRange, type ParameterVector, splitParameters } from './parameters.ts';

/** Mean loss over the batch from the model's outputs and the batch's own tensors (labels, row weights, ...). */
export type LossFunction = (outputs: TensorMap, batch: TensorMap) => Tensor;

/** What the model and the loss read from a batch, apart from parameters and dropout numbers. */
export type BatchSpec = Readonly<Record<string, TensorSpec>>;

export interface StepResult {
  readonly loss: number;
  /** With respect to the flat parameter vector; times the `gradientScale`, where there is one. */
  readonly gradient: Float32Array;
}

/** Factors of a run, 1 where they are left out. */
export interface StepFactors {
  /** On the model's penalty: 1 / n where n runs make up one update. */
  readonly penaltyShare?: number;
  /** On the gradient while it is computed, in programs of f16: see `GradScaler`. */
  readonly gradientScale?: number;
}

/** One batch, or one of the parts of an update. */
export interface StepInput {
  readonly batch: Readonly<Record<string, TypedArray>>;
  readonly dropout: Int32Array;
}

export interface TrainStep {
  readonly program: Program;
  /** How many parts of an update one run takes at most. */
  readonly parts: number;
  /** One batch. */
  run(
    values: Float32Array,
    batch: Readonly<Record<string, TypedArray>>,
    dropout: Int32Array,
    factors?: StepFactors,
  ): Promise<StepResult>;
  /** One batch, or as many as there may be: the sums of their losses and gradients. */
  runParts(values: Float32Array, parts: readonly StepInput[], factors?: StepFactors): Promise<StepResult>;
}

/** Frozen tensors by name, fetched when a model first reads them. */
export function lazyWeights(weight: WeightLookup): TensorMap {
  return new Proxy({} as TensorMap, {
    get: (_, name) => (typeof name === 'string' ? weight(name) : undefined),
  });
}

/**
 * Loss and gradient of one batch shape, as a function to compile or to trace.
 * @param options.training false leaves dropout out
 * @param options.isScaled whether the gradient is computed times an input `gradientScale`
 */
export function trainStepOf(
  model: TrainableModel,
  ranges: readonly ParameterRange[],
  loss: LossFunction,
  batch: BatchSpec,
  { training = true, isScaled = false }: { training?: boolean; isScaled?: boolean } = {},
): { readonly step: ProgramFunction; readonly signature: Signature } {
  const step: ProgramFunction = (given, weight) => {
    const { parameters: flat, dropoutStep, penaltyShare, gradientScale, ...inputs } = given;
    const { value, grad } = tf.valueAndGrad((theta: Tensor) => {
      const bindings = {
        weights: lazyWeights(weight),
        parameters: splitParameters(theta, ranges),
        ...(training ? { dropout: createDropout(dropoutStep!) } : {}),
      };
      const own = loss(model.forward(bindings, inputs), inputs);
      const penalty = model.penalty?.(bindings);
      return (penalty === undefined ? own : tf.add(own, tf.mul(penalty, penaltyShare!))) as never;
    })(flat!, gradientScale as never);
    return { loss: value, gradient: grad };
  };
  const size = ranges.reduce((sum, range) => sum + range.size, 0);
  const inputs: Record<string, TensorSpec> = {
    parameters: { shape: [size], dtype: 'float32' },
    dropoutStep: DROPOUT_STEP,
    ...(model.penalty === undefined ? {} : { penaltyShare: FACTOR }),
    ...(isScaled ? { gradientScale: FACTOR } : {}),
    ...batch,
  };
  return { step, signature: { inputs, weights: model.weights, parameters: ['parameters'] } };
}

const FACTOR: TensorSpec = { shape: [], dtype: 'float32' };
/** Inputs that are the same for every part of an update. */
const SHARED = new Set(['parameters', 'penaltyShare', 'gradientScale']);

/**
 * A step over up to `parts` batches of one shape, `partCount` of them, one after the other where the program runs: what
 * is summed stays there, and so do the parameters. Inputs that differ have an axis in front, [parts, ...].
 */
export function accumulatedStepOf(
  one: ReturnType<typeof trainStepOf>,
  parts: number,
): { readonly step: ProgramFunction; readonly signature: Signature } {
  const specs = Object.entries(one.signature.inputs);
  const size = one.signature.inputs.parameters!.shape[0]!;
  const step: ProgramFunction = ({ partCount, ...inputs }, weight) => {
    const initial = { loss: tf.scalar(0), gradient: tf.fill([size], 0) as Tensor };
    return loop(initial, parts, ({ loss, gradient }, at) => {
      const index = tf.reshape(at, [1]);
      const own = specs.map(([name, { shape }]): [string, Tensor] => {
        const all = inputs[name]!;
        return [name, SHARED.has(name) ? all : tf.reshape(tf.gather(all, index as never), [...shape])];
      });
      const result = one.step(Object.fromEntries(own), weight);
      return {
        state: { loss: tf.add(loss, result.loss!), gradient: tf.add(gradient, result.gradient!) },
        isDone: tf.greaterEqual(tf.add(at, tf.scalar(1, 'int32')), partCount!),
      };
    });
  };
  const inputs: Record<string, TensorSpec> = { partCount: { shape: [], dtype: 'int32' } };
  for (const [name, spec] of specs)
    inputs[name] = SHARED.has(name) ? spec : { ...spec, shape: [parts, ...spec.shape] };
  return { step, signature: { ...one.signature, inputs } };
}

/**
 * Compiles loss and gradient for one batch shape; the loss includes the model's penalty, where it has one. A program of
 * precision f16 takes a `gradientScale`.
 * @param options.training false leaves dropout out (for tests against other implementations)
 * @param options.parts batches that one run takes at most; default 1
 */
export async function compileTrainStep(
  model: TrainableModel,
  vector: ParameterVector,
  loss: LossFunction,
  batch: BatchSpec,
  options: CompileOptions & { training?: boolean; parts?: number } = {},
): Promise<TrainStep> {
  const { training = true, parts = 1, ...compileOptions } = options;
  const hasPenalty = model.penalty !== undefined;
  const isScaled = options.precision === 'f16';
  const one = trainStepOf(model, vector.ranges, loss, batch, { training, isScaled });
  const { step, signature } = parts === 1 ? one : accumulatedStepOf(one, parts);
  const program = await compile(step, signature, { name: 'train', ...compileOptions });
  const runParts: TrainStep['runParts'] = async (values, given, factors = {}) => {
    const { penaltyShare = 1, gradientScale = 1 } = factors;
    if (given.length === 0 || given.length > parts)
      throw new Error(`a step takes 1 to ${parts} batches, got ${given.length}`);
    const scalars = {
      ...(hasPenalty ? { penaltyShare: Float32Array.of(penaltyShare) } : {}),
      ...(isScaled ? { gradientScale: Float32Array.of(gradientScale) } : {}),
    };
    const own = given.map(({ batch, dropout }) => ({ dropoutStep: dropout, ...batch }));
    const inputs =
      parts === 1 ? own[0]! : { partCount: Int32Array.of(own.length), ...stacked(own, signature.inputs) };
    const result = await program.run({ parameters: values, ...scalars, ...inputs });
    return { loss: result.loss!.data[0]!, gradient: result.gradient!.data as Float32Array };
  };
  return {
    program,
    parts,
    run: (values, batch, dropout, factors) => runParts(values, [{ batch, dropout }], factors),
    runParts,
  };
}

/** Arrays of several batches, one behind the other, and zeros for those that are not there. */
function stacked(
  batches: readonly Readonly<Record<string, TypedArray>>[],
  specs: Readonly<Record<string, TensorSpec>>,
): Record<string, TypedArray> {
  return Object.fromEntries(
    Object.keys(batches[0]!).map((name) => {
      const size = specs[name]!.shape.reduce((product, length) => product * length, 1);
      const first = batches[0]![name]!;
      const all = new (first.constructor as new (size: number) => TypedArray)(size);
      for (const [i, batch] of batches.entries()) all.set(batch[name]!, i * first.length);
      return [name, all];
    }),
  );
}

/** Compiles the forward pass, dropout off, for one batch shape: its first output, the one that is evaluated. */
export function compileEvaluation(
  model: TrainableModel,
  vector: ParameterVector,
  batch: BatchSpec,
  options: CompileOptions = {},
): Promise<Program> {
  return compile(
    ({ parameters: flat, ...inputs }, weight) => {
      const outputs = model.forward(
        { weights: lazyWeights(weight), parameters: flat ? splitParameters(flat, vector.ranges) : {} },
        inputs,
      );
      // A decoder's further outputs are its keys and values, which nobody reads here.
      return Object.fromEntries(Object.entries(outputs).slice(0, 1));
    },
    // A frozen model has none.
    {
      inputs: { ...(vector.size > 0 ? { parameters: flatSpec(vector) } : {}), ...batch },
      weights: model.weights,
    },
    { name: 'evaluate', ...options },
  );
}

function flatSpec(vector: ParameterVector): TensorSpec {
  return { shape: [vector.size], dtype: 'float32' };
}
