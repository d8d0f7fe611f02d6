/** The environment that a process needs to compute on CUDA, set before it starts. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { TF32_VARIABLE } from '../run/tf32.ts';
import { ENGINE_FOLDER } from './folder.ts';
import type { RunPrecision } from './precision.ts';

/** What `npm run cuda` found: folders of NVIDIA's libraries that the system's loader does not look into. */
export const CUDA_NOTE = path.join(ENGINE_FOLDER, '.cuda', 'libraries.json');

/** Folders that are added to the loader's search. */
export function cudaFolders(note: string = CUDA_NOTE): readonly string[] {
  if (!existsSync(note)) return [];
  const { folders } = JSON.parse(readFileSync(note, 'utf8')) as { readonly folders?: unknown };
  if (!Array.isArray(folders) || folders.some((folder) => typeof folder !== 'string'))
    throw new Error(`${note} is damaged: run npm run cuda again`);
  return folders as string[];
}

/** Variables to be added to a process's own. */
export function cudaEnvironment(
  precision: RunPrecision,
  environment: NodeJS.ProcessEnv = process.env,
  folders: readonly string[] = cudaFolders(),
): NodeJS.ProcessEnv {
  const known = (environment.LD_LIBRARY_PATH ?? '').split(':').filter((folder) => folder !== '');
  const all = [...known, ...folders.filter((folder) => !known.includes(folder))];
  return {
    ...(precision === 'tf32' ? {} : { [TF32_VARIABLE]: '0' }),
    ...(all.length > 0 ? { LD_LIBRARY_PATH: all.join(':') } : {}),
  };
}
