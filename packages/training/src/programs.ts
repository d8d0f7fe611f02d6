/** The programs of a training run: one step (loss and gradient) and one evaluation (logits), for each padded length. */
import {
  type CompileOptions,
  compile,
  createDropout,
  DROPOUT_STEP,
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
  /** One batch, where the program takes the parameters and gives their gradient back. */
  run(
    values: Float32Array,
    batch: Readonly<Record<string, TypedArray>>,
    dropout: Int32Array,
    factors?: StepFactors,
  ): Promise<StepResult>;
  /** What the program takes besides the parameters. */
  inputs(input: StepInput, factors?: StepFactors): Record<string, TypedArray>;
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

/**
 * Compiles loss and gradient for one batch shape; the loss includes the model's penalty, where it has one. A program of
 * precision f16 takes a `gradientScale`.
 * @param options.training false leaves dropout out (for tests against other implementations)
 */
export async function compileTrainStep(
  model: TrainableModel,
  vector: ParameterVector,
  loss: LossFunction,
  batch: BatchSpec,
  options: CompileOptions & { training?: boolean } = {},
): Promise<TrainStep> {
  const { training = true, ...compileOptions } = options;
  const hasPenalty = model.penalty !== undefined;
  const isScaled = options.precision === 'f16';
  const { step, signature } = trainStepOf(model, vector.ranges, loss, batch, { training, isScaled });
  const program = await compile(step, signature, { name: 'train', ...compileOptions });
  const inputs: TrainStep['inputs'] = ({ batch, dropout }, { penaltyShare = 1, gradientScale = 1 } = {}) => ({
    dropoutStep: dropout,
    ...(hasPenalty ? { penaltyShare: Float32Array.of(penaltyShare) } : {}),
    ...(isScaled ? { gradientScale: Float32Array.of(gradientScale) } : {}),
    ...batch,
  });
  return {
    program,
    inputs,
    async run(values, batch, dropout, factors) {
      const result = await program.run({ parameters: values, ...inputs({ batch, dropout }, factors) });
      return { loss: result.loss!.data[0]!, gradient: result.gradient!.data as Float32Array };
    },
  };
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
