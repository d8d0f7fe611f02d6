/** ViT-B/16 of random weights with each method of the benchmark, and its training step. */
import path from 'node:path';
import { getPeftModel, LoraConfig, PsoftConfig } from '@psoft/adapter';
import { type Model, RandomStream, type TrainableModel } from '@psoft/engine';
import { crossEntropy } from '@psoft/models';
import { compileTrainStep, ParameterVector, trainAll, trainHead } from '@psoft/training';
import { storedModel, updatesOn } from './base.ts';
import type { Trained, VitExtent } from './vitFlops.ts';

/** google/vit-base-patch16-224, config.json, without what {@link VitSize} decides. */
const VIT_BASE = {
  model_type: 'vit',
  attention_probs_dropout_prob: 0,
  hidden_act: 'gelu',
  hidden_dropout_prob: 0,
  initializer_range: 0.02,
  layer_norm_eps: 1e-12,
  num_channels: 3,
  patch_size: 16,
  qkv_bias: true,
};

/** Classes of CIFAR-100, the first task of Table 3. */
const CLASSES = 100;

export const METHODS = {
  psoft: { kind: 'psoft', rank: 46 },
  lora: { kind: 'lora', rank: 8 },
  head: { kind: 'head' },
  full: { kind: 'full' },
} as const satisfies Record<string, Trained>;

export type MethodName = keyof typeof METHODS;

export interface VitSize {
  readonly imageSize: number;
  /** A multiple of 64, the size of a head; the feed-forward layers are four times as wide, as in every ViT. */
  readonly hidden: number;
  readonly layers: number;
}

export interface StepOptions {
  readonly batch: number;
  /** Rate on the adapters' input. */
  readonly dropout: number;
  /** Converge on the principal subspaces: slow, and the step's time does not depend on it. */
  readonly fullSvd: boolean;
  readonly threads?: number;
}

/** @throws ModelConfigError for a size that is not a multiple of the patch */
export function randomVit({ imageSize, hidden, layers }: VitSize, folder: string): Promise<Model> {
  const id2label = Object.fromEntries(Array.from({ length: CLASSES }, (_, i) => [i, String(i)]));
  const config = {
    ...VIT_BASE,
    image_size: imageSize,
    hidden_size: hidden,
    intermediate_size: 4 * hidden,
    num_attention_heads: hidden / 64,
    num_hidden_layers: layers,
    id2label,
  };
  return storedModel('image-classification', config, path.join(folder, 'vit.safetensors'));
}

export function extentOf({ imageSize, hidden, layers }: VitSize, batch: number): VitExtent {
  const { patch_size: patch, num_channels: channels } = VIT_BASE;
  return { batch, layers, hidden, patches: (imageSize / patch) ** 2, patchInputs: patch ** 2 * channels };
}

/** With the settings of the paper profile, but for the decomposition (see {@link StepOptions.fullSvd}). */
export function trainableVit(
  model: Model,
  method: MethodName,
  { dropout, fullSvd }: Pick<StepOptions, 'dropout' | 'fullSvd'>,
): Promise<TrainableModel> {
  if (method === 'head') return trainHead(model);
  if (method === 'full') return trainAll(model);
  const { kind, rank: r } = METHODS[method];
  const common = { r, targetModules: 'all-linear', modulesToSave: ['classifier'] };
  const config =
    kind === 'lora'
      ? new LoraConfig({ ...common, loraAlpha: r, loraDropout: dropout })
      : new PsoftConfig({
          ...common,
          psoftAlpha: r,
          psoftDropout: dropout,
          ...(fullSvd ? {} : { psoftSvd: 'lowrank', psoftSvdLowrankNiter: 0 }),
        });
  return getPeftModel(model, config, { seed: 1 });
}

/** The compiled step and what runs it, on one batch of random images. */
export async function trainingStep(model: TrainableModel, { imageSize }: VitSize, options: StepOptions) {
  const { batch, threads } = options;
  const vector = new ParameterVector(model.parameters);
  const pixels: readonly number[] = [batch, 3, imageSize, imageSize];
  const step = await compileTrainStep(
    model,
    vector,
    (outputs, inputs) => crossEntropy(outputs.logits!, inputs.labels!),
    {
      pixelValues: { shape: pixels, dtype: 'float32' },
      labels: { shape: [batch], dtype: 'int32' },
    },
    threads === undefined ? {} : { threads },
  );
  const rng = RandomStream.from(2, 'bench');
  const update = updatesOn(step, vector, {
    pixelValues: Float32Array.from({ length: batch * 3 * imageSize ** 2 }, () => rng.normal()),
    labels: Int32Array.from({ length: batch }, () => rng.integer(CLASSES)),
  });
  return { step, update, trained: vector.size };
}
