/**
 * TF32: NVIDIA's tensor cores multiply float32 operands rounded to 10 bits of mantissa. The runtime offers no switch, but its
 * CUDA libraries read NVIDIA_TF32_OVERRIDE when they start: 0 forbids it, and nothing set allows it. One state a process.
 */

/** Set to 0, no product of float32 is rounded. */
export const TF32_VARIABLE = 'NVIDIA_TF32_OVERRIDE';

let settled: boolean | undefined;

/** TF32 cannot be had, or can no longer be changed. */
export class Tf32Error extends Error {
  override readonly name = 'Tf32Error';
}

/**
 * Decides for this process, before the first session on CUDA.
 * @throws Tf32Error where a session decided otherwise, and where it is wanted but the environment forbids it
 */
export function settleTf32(isAllowed: boolean, environment: NodeJS.ProcessEnv = process.env): void {
  if (settled !== undefined && settled !== isAllowed)
    throw new Tf32Error(
      `this process has computed on CUDA ${settled ? 'with' : 'without'} TF32 and cannot change: run f32 and tf32 in processes of their own`,
    );
  if (isAllowed && environment[TF32_VARIABLE] === '0')
    throw new Tf32Error(
      `precision tf32 was asked for, but ${TF32_VARIABLE}=0 forbids it: unset the variable, or ask for f32`,
    );
  if (!isAllowed) environment[TF32_VARIABLE] = '0';
  settled = isAllowed;
}

/** Whether products on CUDA round to TF32 in this process; undefined before the first session there. */
export function tf32State(): boolean | undefined {
  return settled;
}
