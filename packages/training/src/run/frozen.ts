/** An adapter's frozen tensors beside the weights: PSOFT's A and B are a share of the model's size. */
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { moveToFile, type WeightDtype } from '@psoft/engine';
import type { TrainingSettings } from './config.ts';
import type { PreparedMethod } from './method.ts';

const FILE = 'frozen.safetensors';
/** From here on they are worth a file unasked: in memory they lie in JavaScript and once more in every session's file. */
const LARGE = 1e9;
const DTYPES = { f32: 'F32', bf16: 'BF16' } as const;

/**
 * How frozen tensors of so many bytes are stored in a file of their own.
 * @returns undefined where they stay in memory
 */
export function frozenStorage(
  bytes: number,
  asked: TrainingSettings['adapterStorage'],
): WeightDtype | undefined {
  if (asked === 'bf16' || bytes >= LARGE) return DTYPES[asked ?? 'f32'];
  return undefined;
}

/** Moves an adapter's frozen tensors into a file of the run's folder, where they are large or it was asked for. */
export async function storeFrozen(
  { peft }: Pick<PreparedMethod, 'peft'>,
  { adapterStorage }: Pick<TrainingSettings, 'adapterStorage'>,
  runFolder: string,
): Promise<{ remove(): Promise<void> }> {
  const weights = peft?.layers.weights ?? new Map();
  const bytes = [...weights.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
  const dtype = frozenStorage(bytes, adapterStorage);
  if (dtype === undefined || weights.size === 0) return { remove: async () => undefined };
  const file = path.join(runFolder, FILE);
  await mkdir(runFolder, { recursive: true });
  await moveToFile(file, weights, dtype);
  return { remove: () => rm(file, { force: true }) };
}
