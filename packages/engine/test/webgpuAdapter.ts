/** Whether tests can use WebGPU here, if need be on the processor by the Vulkan driver that Chromium brings. */
import { existsSync } from 'node:fs';
import { deviceProblem } from '@psoft/engine';

const CHROMIUMS = '/usr/lib/chromium/vk_swiftshader_icd.json';
const CARDS = ['/dev/nvidia0', '/dev/dri/renderD128', '/dev/dxg'];

/** What the machine has decides, unless VK_DRIVER_FILES is set. @returns why not */
export async function webgpuProblem(): Promise<string | undefined> {
  if (process.env.PSOFT_WEBGPU === 'no') return 'PSOFT_WEBGPU=no';
  if (
    process.env.VK_DRIVER_FILES === undefined &&
    process.env.VK_ICD_FILENAMES === undefined &&
    !CARDS.some((file) => existsSync(file)) &&
    existsSync(CHROMIUMS)
  )
    process.env.VK_DRIVER_FILES = CHROMIUMS;
  return deviceProblem('webgpu');
}
