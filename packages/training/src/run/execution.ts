/** How programs of a job are compiled, and what its process needs around it. */
import type { CompileOptions } from '@psoft/engine';
import { checkPrecision, cudaEnvironment, precisionOptions, type RunPrecision } from '@psoft/engine/devices';
import type { ExecutionOptions, JobName, Jobs } from './protocol.ts';

/** @throws DeviceChoiceError for a precision that the executor does not have */
export function executionOptions({ executor, threads, precision = 'f32' }: ExecutionOptions): CompileOptions {
  checkPrecision(executor, precision);
  return {
    executor,
    ...(threads === undefined ? {} : { threads }),
    ...precisionOptions(precision),
  };
}

/** Where a job runs and in what. */
export function executionOf<Name extends JobName>(request: Jobs[Name]['request']): Partial<ExecutionOptions> {
  const { options, config, ...rest } = request as {
    options?: ExecutionOptions;
    config?: { training?: { precision?: RunPrecision }; evaluation?: { precision?: RunPrecision } };
  } & Partial<ExecutionOptions>;
  const settings = config?.evaluation ?? config?.training;
  const precision = settings?.precision ?? rest.precision;
  return { ...rest, ...options, ...(precision === undefined ? {} : { precision }) };
}

/** Variables that the computing process must find when it starts: CUDA's libraries read them while they load. */
export function environmentFor<Name extends JobName>(request: Jobs[Name]['request']): NodeJS.ProcessEnv {
  const { executor, precision = 'f32' } = executionOf(request);
  return executor === 'cuda' ? cudaEnvironment(precision) : {};
}
