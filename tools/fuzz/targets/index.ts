/** Every reader of data from outside. A new one is a line here. */
import type { Target } from '../target.ts';
import { adapter } from './adapters.ts';
import { hub } from './hub.ts';
import { imageConfigs, images } from './images.ts';
import { config, gguf } from './models.ts';
import { imports, records } from './records.ts';
import { generations, runCheckpoint, runFolder, sweeps } from './runs.ts';
import { glue, jsonRows, parquet, texts } from './tables.ts';
import { bytePair, sentencePiece, tokenizerJson } from './tokenizers.ts';
import { checkpoint, safetensors, torch } from './weights.ts';

export const TARGETS: readonly Target[] = [
  ...[safetensors, torch, checkpoint, config, gguf],
  ...[tokenizerJson, bytePair, sentencePiece],
  ...[parquet, texts, glue, jsonRows, images, imageConfigs],
  ...[adapter, runCheckpoint, runFolder, generations, sweeps],
  ...[records, imports, hub],
];
