/** Vulkan's drivers, through which WebGPU reaches a card on Linux. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';

/** Drivers that draw on the CPU: llvmpipe, SwiftShader. They pass for an adapter and are slower than the CPU's own kernels. */
const SOFTWARE = /lvp|llvmpipe|swiftshader|vk_swiftshader/i;

const FOLDERS = ['/usr/share/vulkan/icd.d', '/usr/local/share/vulkan/icd.d', '/etc/vulkan/icd.d'];

export interface VulkanDrivers {
  /** Manifests by which the loader finds drivers. */
  readonly manifests: readonly string[];
  readonly hardware: readonly string[];
}

/** What is installed; not whether a card is there for it. */
export function vulkanDrivers(environment: NodeJS.ProcessEnv = process.env): VulkanDrivers {
  const named = environment.VK_DRIVER_FILES ?? environment.VK_ICD_FILENAMES;
  const manifests =
    named === undefined
      ? FOLDERS.filter((folder) => existsSync(folder)).flatMap((folder) =>
          readdirSync(folder)
            .filter((name) => name.endsWith('.json'))
            .map((name) => path.join(folder, name)),
        )
      : named.split(path.delimiter).filter((file) => existsSync(file));
  return { manifests, hardware: manifests.filter((file) => !SOFTWARE.test(path.basename(file))) };
}

/** The environment of a process whose WebGPU must not take a driver that draws on the CPU. */
export function withoutSoftwareAdapters(environment: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  if (process.platform !== 'linux') return {};
  // Older loaders know the list of drivers only, newer ones the exclusion as well.
  const { hardware } = vulkanDrivers(environment);
  return {
    VK_LOADER_DRIVERS_DISABLE: '*lvp*,*swiftshader*',
    ...(hardware.length === 0 ? {} : { VK_ICD_FILENAMES: hardware.join(path.delimiter) }),
  };
}
