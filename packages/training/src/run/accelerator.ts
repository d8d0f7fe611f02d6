/** The name of the card that a device of ONNX Runtime runs on: its binding does not tell. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Executor } from '@psoft/engine';
import { nvidiaCards } from '@psoft/engine/devices';

/** In the order in which Dawn takes them where the faster one is asked for, as ONNX Runtime does. */
const KINDS = ['DISCRETE_GPU', 'INTEGRATED_GPU', 'CPU'];

/** What `vulkaninfo` or `nvidia-smi` say; undefined where neither is installed, and for executors on the processor. */
export async function acceleratorOf(executor: Executor): Promise<string | undefined> {
  if (executor === 'webgpu' && process.platform === 'linux')
    return vulkanDevice(await said('vulkaninfo', '--summary'));
  return executor === 'cuda' ? nvidiaCards()[0]?.name : undefined;
}

/** The device of a summary that Dawn would take, and its driver: "NVIDIA H100 80GB HBM3 (550.54.15)". */
export function vulkanDevice(summary: string): string | undefined {
  const devices = summary.split(/^GPU\d+:$/m).slice(1);
  const field = (device: string, name: string) =>
    new RegExp(`^[^\\S\\n]*${name}[^\\S\\n]*=[^\\S\\n]*(\\S.*?)?[^\\S\\n]*$`, 'm').exec(device)?.[1] ?? '';
  const rank = (device: string) => {
    const kind = KINDS.findIndex((one) => field(device, 'deviceType').endsWith(one));
    return kind < 0 ? KINDS.length : kind;
  };
  const [first] = devices.sort((a, b) => rank(a) - rank(b));
  if (first === undefined) return undefined;
  const driver = field(first, 'driverInfo') || field(first, 'driverName');
  return `${field(first, 'deviceName')}${driver === '' ? '' : ` (${driver})`}`;
}

/** A command's standard output; nothing where it is missing or fails. */
async function said(command: string, ...args: string[]): Promise<string> {
  try {
    return (await promisify(execFile)(command, args, { timeout: 10_000 })).stdout;
  } catch {
    return '';
  }
}
