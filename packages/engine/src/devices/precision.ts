/** In what operands of matrix products are held: the precision of a run, as users name it. */
import type { Executor } from '../run/program.ts';

/**
 * f32: as they are. tf32: rounded by NVIDIA's tensor cores as they multiply. bf16, f16: rounded in the graph, on every
 * device. Norms, softmax, losses and rotations stay float32 in all of them.
 */
export const PRECISIONS = ['f32', 'tf32', 'bf16', 'f16'] as const;
export type RunPrecision = (typeof PRECISIONS)[number];

/** A device or precision that cannot be had here, or not together. One line for the user. */
export class DeviceChoiceError extends Error {
  override readonly name = 'DeviceChoiceError';
}

/** @throws DeviceChoiceError for a precision that an executor does not have */
export function checkPrecision(executor: Executor, precision: RunPrecision): void {
  if (precision === 'tf32' && executor !== 'cuda')
    throw new DeviceChoiceError(
      `precision tf32 is a mode of NVIDIA's tensor cores, which "${executor}" does not use: take --device cuda, or --precision f32`,
    );
  if (precision !== 'f32' && executor.startsWith('eager-'))
    throw new DeviceChoiceError(
      `precision ${precision} is compiled into a graph, and "${executor}" calls kernels one by one in float32: leave --precision out, or --executor`,
    );
}

/** Options of `compile` that mean a precision. */
export function precisionOptions(precision: RunPrecision) {
  if (precision === 'tf32') return { tf32: true } as const;
  return precision === 'f32' ? {} : { precision };
}
