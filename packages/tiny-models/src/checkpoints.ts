import { fileURLToPath } from 'node:url';

/** Models that this package carries. */
export type CheckpointName = 'deberta-tiny' | 'vit-tiny' | 'llama-tiny' | 'opt-tiny';

/** The absolute path of a checkpoint's folder, in Hugging Face's file layout. */
export function checkpointFolder(name: CheckpointName): string {
  return fileURLToPath(new URL(`../checkpoints/${name}`, import.meta.url));
}
