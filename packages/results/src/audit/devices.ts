/** The graphics cards that the paper names, from their makers' data sheets. */
import { PaperError } from '../paper/index.ts';

interface Device {
  readonly memoryGb: number;
  /** FP32 outside tensor cores, 10^12 operations a second. */
  readonly float32TeraFlops?: number;
}

const DEVICES: Readonly<Record<string, Device>> = {
  'RTX 4090': { memoryGb: 24 },
  'RTX 5090': { memoryGb: 32 },
  H100: { memoryGb: 80, float32TeraFlops: 67 },
};

/**
 * 10^12 FP32 operations a second.
 * @throws PaperError for a card whose peak is not listed
 */
export function float32Peak(name: string): number {
  const peak = deviceOf(name).float32TeraFlops;
  if (peak === undefined)
    throw new PaperError(`the FP32 peak of "${name}" is not known: add it to devices.ts`);
  return peak;
}

/** @throws PaperError that lists the cards there are */
export function deviceOf(name: string): Device {
  const found = DEVICES[name];
  if (found) return found;
  throw new PaperError(`unknown device "${name}"; known: ${Object.keys(DEVICES).join(', ')}`);
}
