/** JSON files that runs leave and read again. */
import { readFile } from 'node:fs/promises';
import { reasonOf, shown } from '@psoft/engine/errors';
import { ConfigError, type RunConfig } from './config.ts';
import { TASKS } from './tasks.ts';

/** @throws ConfigError naming the file for what cannot be read as a JSON object */
export async function readJsonObject(file: string): Promise<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new ConfigError(`${file} cannot be read: ${reasonOf(cause)}`, { cause });
  }
  if (!isObject(value)) throw new ConfigError(`${file} must hold a JSON object, got ${shown(value)}`);
  return value;
}

/**
 * What of a run's configuration is used when it is read again.
 * @param where begins messages
 * @throws ConfigError naming the first field that is not as runs write it
 */
export function checkRunConfig(value: unknown, where: string): RunConfig {
  const refuse = (field: string, expected: string, seen: unknown): never => {
    throw new ConfigError(`${where}: "${field}" must be ${expected}, got ${shown(seen)}`);
  };
  if (!isObject(value)) return refuse('training', 'the configuration of a run', value);
  for (const field of ['experiment', 'task', 'profile', 'method'])
    if (typeof value[field] !== 'string') refuse(field, 'a name', value[field]);
  if (!Number.isSafeInteger(value.seed)) refuse('seed', 'a whole number', value.seed);
  for (const field of ['model', 'adapter', 'training'])
    if (!isObject(value[field])) refuse(field, 'an object', value[field]);
  const task = `${value.experiment}/${value.task}`;
  if (!Object.hasOwn(TASKS, task)) refuse('task', `one of ${Object.keys(TASKS).join(', ')}`, task);
  const { name, folder, revision } = value.model as Record<string, unknown>;
  if (typeof name !== 'string') refuse('model.name', 'a name', name);
  for (const [field, one] of Object.entries({ folder, revision }))
    if (one !== undefined && typeof one !== 'string') refuse(`model.${field}`, 'text', one);
  return value as unknown as RunConfig;
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
