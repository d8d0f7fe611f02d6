/** What NVIDIA's own tool says of the cards. */
import { execFileSync } from 'node:child_process';

export interface NvidiaCard {
  readonly name: string;
  readonly memoryBytes: number;
  readonly usedBytes: number;
  readonly driver: string;
  /** "9.0". */
  readonly computeCapability: string;
}

const FIELDS = ['name', 'memory.total', 'memory.used', 'driver_version', 'compute_cap'];
const MEBI = 2 ** 20;

/** @returns no card where the tool is missing or finds none */
export function nvidiaCards(
  query: () => string = () =>
    execFileSync('nvidia-smi', [`--query-gpu=${FIELDS.join(',')}`, '--format=csv,noheader,nounits'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 20_000,
    }),
): NvidiaCard[] {
  let said: string;
  try {
    said = query();
  } catch {
    return [];
  }
  return said
    .split('\n')
    .map((line) => line.split(',').map((part) => part.trim()))
    .filter((parts) => parts.length === FIELDS.length)
    .map(([name, total, used, driver, computeCapability]) => ({
      name: name!,
      memoryBytes: Number(total) * MEBI,
      usedBytes: Number(used) * MEBI,
      driver: driver!,
      computeCapability: computeCapability!,
    }));
}
