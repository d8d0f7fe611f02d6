/** Which device a run gets: what was asked for, or the best that works. */
import { DEVICES, type Device, type Executor } from '../run/program.ts';
import { DeviceChoiceError } from './precision.ts';
import { type Probe, probeExecutor } from './probe.ts';

export const DEVICE_CHOICES = [...DEVICES, 'auto'] as const;
export type DeviceChoice = (typeof DEVICE_CHOICES)[number];

/** Eager executors by the device that they compute on. */
const EAGER_DEVICE: Partial<Record<Executor, Device>> = {
  'eager-cpu': 'cpu',
  'eager-wasm': 'cpu',
  'eager-node': 'cpu',
  'eager-node-gpu': 'cuda',
};

/**
 * The executor that `--device` and `--executor` mean together; neither is "cpu".
 * @throws DeviceChoiceError where they contradict each other
 */
export function executorOf(
  device: DeviceChoice | undefined,
  executor: Executor | undefined,
): Executor | 'auto' {
  if (executor === undefined) return device ?? 'cpu';
  if (device === undefined || device === executor || EAGER_DEVICE[executor] === device) return executor;
  throw new DeviceChoiceError(
    device === 'auto'
      ? `--device auto chooses where to compute, and --executor ${executor} says it: give one of them`
      : `--device ${device} and --executor ${executor} contradict each other: give one of them`,
  );
}

export interface Chosen {
  readonly device: Device;
  /** One line: what was taken, and why none before it. */
  readonly why: string;
}

/** CUDA where it works, else WebGPU on a card, else the CPU. */
export async function chooseDevice(
  probe: (device: Device) => Promise<Probe> = (device) => probeExecutor(device),
): Promise<Chosen> {
  const refused: string[] = [];
  for (const device of ['cuda', 'webgpu'] as const) {
    const tried = await probe(device);
    if (tried.isUsable) return { device, why: reason(device, refused) };
    refused.push(`no ${device} (${tried.reason})`);
  }
  return { device: 'cpu', why: reason('cpu', refused) };
}

function reason(device: Device, refused: readonly string[]): string {
  return [`device auto: took ${device}`, ...refused].join('; ');
}
