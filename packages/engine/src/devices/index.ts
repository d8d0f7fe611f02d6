/** Where programs can run on this machine: what is there, what is missing, and which is taken. Loads no tfjs. */
export type { Device } from '../run/program.ts';
export * from './choose.ts';
export { isX64Library, neededLibraries, runtimeVersionIn } from './elf.ts';
export { CUDA_NOTE, cudaEnvironment, cudaFolders } from './environment.ts';
export { foldersWith, type NeededLibrary, providerLibraries } from './libraries.ts';
export { type NvidiaCard, nvidiaCards } from './nvidia.ts';
export * from './precision.ts';
export { type Probe, type ProbeOptions, probeExecutor } from './probe.ts';
export {
  cudaObstacle,
  missingProviderFiles,
  PROVIDER_FILES,
  type RuntimePackage,
  runtimePackage,
} from './provider.ts';
export { PROVIDER_REMEDY } from './remedy.ts';
export { type VulkanDrivers, vulkanDrivers, withoutSoftwareAdapters } from './vulkan.ts';
