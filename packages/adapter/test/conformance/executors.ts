import { EXECUTORS, type Executor, isExecutorInstalled } from '@psoft/engine';

/** Those that are always there, and TensorFlow's library where it has been added. */
export const TESTED: readonly Executor[] = [
  ...EXECUTORS,
  ...(isExecutorInstalled('eager-node') ? (['eager-node'] as const) : []),
];
