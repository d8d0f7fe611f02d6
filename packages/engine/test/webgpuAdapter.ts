/** Whether tests can use WebGPU here: see docs/webgpu.md for how a machine without a GPU can, too. */
import { deviceProblem } from '@psoft/engine';

/** Tests that take minutes on a processor run, too. PSOFT_WEBGPU=no runs none. */
export const ALL_OF_WEBGPU = process.env.PSOFT_WEBGPU === 'all';

/** @returns why not */
export async function webgpuProblem(): Promise<string | undefined> {
  return process.env.PSOFT_WEBGPU === 'no' ? 'PSOFT_WEBGPU=no' : deviceProblem('webgpu');
}

/** The title of a suite: it says why it is skipped. */
export const inWebgpu = (title: string, problem: string | undefined): string =>
  problem === undefined ? title : `${title}, not here: ${problem}`;
