/** Files of an adapter folder. */
import { readFile } from 'node:fs/promises';
import { writeFileAtomically } from '@psoft/engine';
import { AdapterError, shown } from './errors.ts';

export const CONFIG_FILE = 'adapter_config.json';
export const WEIGHTS_FILE = 'adapter_model.safetensors';

/** Writes indented JSON; there is never half a file. */
export function writeJson(file: string, value: unknown): Promise<void> {
  return writeFileAtomically(file, (handle) => handle.writeFile(`${JSON.stringify(value, null, 2)}\n`));
}

/** A JSON object. @throws AdapterError naming the file */
export async function readJson(file: string): Promise<Record<string, unknown>> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new AdapterError(`${file}: cannot be read: ${(cause as Error).message}`, { cause });
  }
  return parseObject(text, `${file}:`);
}

/**
 * @param place begins messages
 * @throws AdapterError for what is no JSON object
 */
export function parseObject(text: string, place: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new AdapterError(`${place} is not JSON: ${(cause as Error).message}`, { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new AdapterError(
      `${place} must hold a JSON object, got ${Array.isArray(value) ? 'a list' : shown(value)}`,
    );
  return value as Record<string, unknown>;
}

/** What a saved adapter's values refer to beside its own tensors. */
export interface BasisRecord {
  /** Fingerprint of the target modules' base weights. */
  readonly base: string;
  readonly modules: object;
  /** Where it stands, for messages. */
  readonly origin: string;
}

/** @throws AdapterError for what is no basis record of this version */
export function basisRecordOf(
  { version, base, modules }: Readonly<Record<string, unknown>>,
  origin: string,
): BasisRecord {
  if (version !== 1 || typeof base !== 'string' || typeof modules !== 'object' || modules === null)
    throw new AdapterError(
      `${origin}: no basis record that this version reads: version must be 1, got ${shown(version)}`,
    );
  return { base, modules, origin };
}
