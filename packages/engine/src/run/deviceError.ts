/** Errors of devices, in words that say what to do. */
import { oneLine } from '../devices/reason.ts';
import type { Device } from './program.ts';

/** A device is not there, cannot do what is asked of it, or has no memory left for it. */
export class DeviceError extends Error {
  override readonly name = 'DeviceError';
}

/** What ONNX Runtime and Dawn say, and what it means. */
const MEANINGS: readonly (readonly [RegExp, string])[] = [
  [
    /get a WebGPU adapter/,
    'there is no WebGPU adapter, for want of a driver (Vulkan on Linux) that Dawn accepts; docs/webgpu.md says how to look for it',
  ],
  // Before what is said of memory: CUDA, too, speaks of a previous error.
  [
    /captur/i,
    'a run could not be recorded as a CUDA graph; PSOFT_CUDA_GRAPHS=0 in the environment does without, and a report of it is welcome',
  ],
  [/requires f16/, "its adapter has no 16-bit floats (WebGPU's feature shader-f16); use precision f32"],
  [
    /Too many storage buffers/,
    'a tensor is larger than its shaders can bind, in parts, too; make batches smaller',
  ],
  [
    /OUT_OF_DEVICE_MEMORY|due to a previous error|exceeds the max|allocate memory for requested buffer/i,
    'a buffer could not be made: the program needs more memory than the adapter gives; make batches smaller or use --recompute',
  ],
  [
    /CUDA failure (700|716)/,
    'a kernel misused its memory; PSOFT_CUDA_KERNELS=0 or PSOFT_CUDA_GRAPHS=0 in the environment does without what the engine adds to ONNX Runtime, and a report of it is welcome',
  ],
];

/** @returns what to throw where `error` came out of ONNX Runtime while a program was made or run on a device */
export function deviceErrorOf(device: Device, error: Error): Error {
  if (device === 'cpu' || error instanceof DeviceError) return error;
  const meaning = MEANINGS.find(([text]) => text.test(error.message))?.[1];
  if (meaning === undefined && !isProviderProblem(error)) return error;
  const cause = meaning ?? `${oneLine(error.message)}; psoft doctor says what is missing`;
  return new DeviceError(`the device "${device}" cannot be used: ${cause}`, { cause: error });
}

function isProviderProblem({ message }: Error): boolean {
  return /provider|CUDA|cuda|libcu|WebGPU|adapter|dawn|vulkan|backend/i.test(message);
}
