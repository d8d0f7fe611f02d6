export {
  type Batch,
  type EpochRow,
  Fit,
  type FitConfig,
  type FitHooks,
  type FitResult,
  type FitTask,
  NonFiniteError,
} from './fit.ts';
export * from './generate/index.ts';
export {
  ADAMW_DEFAULTS,
  AdamW,
  type AdamWConfig,
  clipFactor,
  clipGradient,
  gradientNorm,
  linearSchedule,
} from './optimiser.ts';
export { type ParameterRange, ParameterVector, splitParameters } from './parameters.ts';
export {
  type BatchSpec,
  compileEvaluation,
  compileTrainStep,
  type LossFunction,
  type TrainStep,
} from './programs.ts';
export { createProgress } from './progress.ts';
export { ConfigError, checkTrainingSettings, type RunConfig, type TrainingSettings } from './run/config.ts';
export { RecordFinder } from './run/identity.ts';
export { PLAIN_METHODS } from './run/method.ts';
export type { Jobs, RunOptions, RunRequest, RunSummary } from './run/protocol.ts';
export { RunFailure, supervise } from './run/supervise.ts';
export { TASKS, type TaskDefinition } from './run/tasks.ts';
export { countParameters, freeze, isHeadWeight, trainAll, trainHead, trainSelected } from './trainable.ts';
export { createUpdater, type Updater } from './updater.ts';
