/** Models of random weights, DeBERTaV3-base's size among them, and their training steps: what the benchmarks share. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import {
  dropoutStep,
  type Model,
  RandomStream,
  readSafetensorsHeader,
  type TypedArray,
  writeSafetensors,
} from '@psoft/engine';
import { initialiseModel, modelFor, type Task } from '@psoft/models';
import { AdamW, clipGradient, type ParameterVector, type TrainStep } from '@psoft/training';

/** microsoft/deberta-v3-base, config.json. */
export const BASE = {
  model_type: 'deberta-v2',
  vocab_size: 128100,
  hidden_size: 768,
  num_hidden_layers: 12,
  num_attention_heads: 12,
  intermediate_size: 3072,
  hidden_act: 'gelu',
  hidden_dropout_prob: 0.1,
  attention_probs_dropout_prob: 0.1,
  max_position_embeddings: 512,
  max_relative_positions: -1,
  position_buckets: 256,
  relative_attention: true,
  norm_rel_ebd: 'layer_norm',
  share_att_key: true,
  pos_att_type: 'p2c|c2p',
  position_biased_input: false,
  type_vocab_size: 0,
  layer_norm_eps: 1e-7,
  initializer_range: 0.02,
  pad_token_id: 0,
  pooler_dropout: 0,
  pooler_hidden_act: 'gelu',
  pooler_hidden_size: 768,
  num_labels: 2,
};

export interface Size {
  readonly layers: number;
  readonly batch: number;
  readonly length: number;
  readonly vocabulary: number;
  readonly rank: number;
}

export const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
export const best = (times: readonly number[]): number => Math.min(...times);

/** Milliseconds of each run. */
export async function timed(repeats: number, run: (i: number) => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < repeats; i++) {
    const start = performance.now();
    await run(i);
    times.push(performance.now() - start);
  }
  return times;
}

/** A model of random weights in a file, as a checkpoint is. The file is written once. */
export async function storedModel(
  task: Task,
  config: Readonly<Record<string, unknown>>,
  file: string,
): Promise<Model> {
  if (!existsSync(file)) await writeSafetensors(file, initialiseModel(task, config, 1), {});
  return modelFor(task, config, (await readSafetensorsHeader(file)).tensors);
}

/** A text classification model of DeBERTaV3-base's width. */
export function randomModel({ layers, vocabulary }: Size, folder: string): Promise<Model> {
  const config = { ...BASE, num_hidden_layers: layers, vocab_size: vocabulary };
  const file = path.join(folder, `model-${layers}-${vocabulary}.safetensors`);
  return storedModel('sequence-classification', config, file);
}

/** Runs one step after another on one batch: forward, backward, clipping and AdamW. */
export function updatesOn(
  step: TrainStep,
  vector: ParameterVector,
  inputs: Record<string, TypedArray>,
): (i: number) => Promise<void> {
  const adamw = new AdamW(vector.size);
  return async (i) => {
    const { gradient } = await step.run(vector.values, inputs, dropoutStep(1, i));
    clipGradient(gradient, 1);
    adamw.update(vector.values, gradient, vector.ranges, () => 1e-4);
  };
}

/** {@link updatesOn} random tokens. */
export function updates(
  step: TrainStep,
  vector: ParameterVector,
  { batch, length, vocabulary }: Size,
): (i: number) => Promise<void> {
  const rng = RandomStream.from(2, 'bench');
  return updatesOn(step, vector, {
    inputIds: Int32Array.from({ length: batch * length }, () => rng.integer(vocabulary)),
    attentionMask: new Float32Array(batch * length).fill(1),
    labels: Int32Array.from({ length: batch }, () => rng.integer(2)),
  });
}
