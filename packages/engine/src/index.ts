import './run/ort.ts'; // First: what it sets must be set before anything else loads ONNX Runtime.

export { removeWithLeftovers, writeFileAtomically } from './atomic.ts';
export { type CompileOptions, compile, type Signature, traceOptimised, traceUnoptimised } from './compile.ts';
export { type GemmOptions, gemm, type Matrix } from './gemm.ts';
export { checkGraph } from './ir/check.ts';
export { type Dtype, type Graph, printGraph, type TypedArray } from './ir/graph.ts';
export { CompileError } from './kernels/index.ts';
export { type EstimateOptions, estimateMemory, type MemoryEstimate } from './memory/estimate.ts';
export type { Bindings, LinearModule, Model, Parameter, Scope, TensorMap, TrainableModel } from './model.ts';
export { ResidentTensor } from './native/residentTensor.ts';
export { numpyPermutation } from './numpyGenerator.ts';
export { NumpyLegacyRandom, numpyLegacyShuffle } from './numpyRandom.ts';
export { checkpoint } from './ops/checkpoint.ts';
export { createDropout, DROPOUT_STEP, dropoutStep } from './ops/dropout.ts';
export { gelu } from './ops/gelu.ts';
export { inverse } from './ops/inverse.ts';
export { layerNorm } from './ops/layerNorm.ts';
export { type LoopResult, loop } from './ops/loop.ts';
export { rmsNorm } from './ops/rmsNorm.ts';
export { rotaryEmbedding } from './ops/rotary.ts';
export { swiglu } from './ops/swiglu.ts';
export { frozenTokenLoss, tokenLoss } from './ops/tokenLoss.ts';
export { writeColumn } from './ops/writeColumn.ts';
export type { OptimiseOptions } from './passes/index.ts';
export type { Precision } from './passes/precision.ts';
export { type RandomState, RandomStream } from './random.ts';
export { DeviceError } from './run/deviceError.ts';
export { useBackend } from './run/eager.ts';
export { deviceProblem } from './run/probe.ts';
export {
  DEVICES,
  type Device,
  type EagerExecutor,
  EXECUTORS,
  type Executor,
  isDevice,
  type Program,
  ProgramInputError,
  type ProgramStats,
  type TensorValue,
} from './run/program.ts';
export { type Binding, type HalfWeights, isNative } from './run/session.ts';
export { Tf32Error, tf32State } from './run/tf32.ts';
export { ExecutorMissingError, isExecutorInstalled, tfjsNodeVersions } from './run/tfjsNode.ts';
export { linear, plainScope } from './scope.ts';
export * from './tf.ts';
export type { ProgramFunction, TensorSpec, WeightLookup } from './trace/trace.ts';
export * from './weights/index.ts';
