/** The models of the paper by their shapes, with random weights: what benchmarks of steps and memory run. */
import { existsSync } from 'node:fs';
import { mkdir, open, rename } from 'node:fs/promises';
import path from 'node:path';
import { labelledTextSpec } from '@psoft/datasets';
import {
  type Model,
  RandomStream,
  readSafetensorsHeader,
  type TensorMap,
  type TypedArray,
} from '@psoft/engine';
import { crossEntropy, modelFor, outlineModel, type Task } from '@psoft/models';
import type { BatchSpec, LossFunction } from '@psoft/training';
import { BASE } from './base.ts';

export interface Extent {
  readonly batch: number;
  /** Tokens of a sequence; of images, decided by the shape. */
  readonly length: number;
}

export interface BenchShape {
  readonly task: Task;
  readonly config: Readonly<Record<string, unknown>>;
  readonly extent: Extent;
  /** Of the paper's PSOFT on this model. */
  readonly rank: number;
  spec(extent: Extent): BatchSpec;
  inputs(extent: Extent, rng: RandomStream): Record<string, TypedArray>;
  readonly loss: LossFunction;
}

const VIT = {
  model_type: 'vit',
  hidden_size: 768,
  num_hidden_layers: 12,
  num_attention_heads: 12,
  intermediate_size: 3072,
  attention_probs_dropout_prob: 0,
  hidden_act: 'gelu',
  hidden_dropout_prob: 0,
  initializer_range: 0.02,
  layer_norm_eps: 1e-12,
  num_channels: 3,
  image_size: 224,
  patch_size: 16,
  qkv_bias: true,
  id2label: Object.fromEntries(Array.from({ length: 100 }, (_, i) => [i, String(i)])),
};

const LLAMA_3B = {
  model_type: 'llama',
  vocab_size: 128256,
  hidden_size: 3072,
  intermediate_size: 8192,
  num_hidden_layers: 28,
  num_attention_heads: 24,
  num_key_value_heads: 8,
  head_dim: 128,
  rms_norm_eps: 1e-5,
  rope_theta: 500000,
  tie_word_embeddings: true,
};

const classified: LossFunction = (outputs, inputs) => crossEntropy(outputs.logits!, inputs.labels!);
const drawn = (count: number, rng: RandomStream, limit: number) =>
  Int32Array.from({ length: count }, () => rng.integer(limit));

export const SHAPES = {
  /** microsoft/deberta-v3-base, two classes. */
  deberta: {
    task: 'sequence-classification',
    config: BASE,
    extent: { batch: 32, length: 64 },
    rank: 46,
    spec: ({ batch, length }) => labelledTextSpec(batch, length),
    inputs: ({ batch, length }, rng) => ({
      inputIds: drawn(batch * length, rng, BASE.vocab_size),
      attentionMask: new Float32Array(batch * length).fill(1),
      labels: drawn(batch, rng, 2),
    }),
    loss: classified,
  },
  /** google/vit-base-patch16-224-in21k, a hundred classes. */
  vit: {
    task: 'image-classification',
    config: VIT,
    extent: { batch: 64, length: 197 },
    rank: 46,
    spec: ({ batch }) => ({
      pixelValues: { shape: [batch, 3, VIT.image_size, VIT.image_size], dtype: 'float32' },
      labels: { shape: [batch], dtype: 'int32' },
    }),
    inputs: ({ batch }, rng) => ({
      pixelValues: Float32Array.from({ length: batch * 3 * VIT.image_size ** 2 }, () => rng.normal()),
      labels: drawn(batch, rng, 100),
    }),
    loss: classified,
  },
  /** meta-llama/Llama-3.2-3B. */
  llama: {
    task: 'causal-lm',
    config: LLAMA_3B,
    extent: { batch: 4, length: 512 },
    rank: 352,
    spec: ({ batch, length }) => ({
      inputIds: { shape: [batch, length], dtype: 'int32' },
      labels: { shape: [batch, length], dtype: 'int32' },
      lossScale: { shape: [], dtype: 'float32' },
    }),
    inputs: ({ batch, length }, rng) => {
      const ids = drawn(batch * length, rng, 1000);
      return { inputIds: ids, labels: ids, lossScale: Float32Array.of(1 / (batch * (length - 1))) };
    },
    loss: (outputs: TensorMap) => outputs.loss!,
  },
} as const satisfies Record<string, BenchShape>;

export type ShapeName = keyof typeof SHAPES;

export interface Scale {
  readonly layers?: number;
  /** Width, in heads of 16 to 64; feed-forward layers are twice as wide. */
  readonly hidden?: number;
  readonly toy?: boolean;
}

/** The same architecture with fewer layers, or small altogether: a smoke test, or a point of a curve. */
export function scaled(shape: BenchShape, { layers, hidden = 64, toy = false }: Scale): BenchShape {
  const headSize = Math.min(64, hidden / 4);
  const config = {
    ...shape.config,
    ...(layers === undefined ? {} : { num_hidden_layers: layers }),
    ...(toy
      ? {
          num_hidden_layers: layers ?? 2,
          hidden_size: hidden,
          intermediate_size: 2 * hidden,
          num_attention_heads: hidden / headSize,
          ...('num_key_value_heads' in shape.config
            ? { num_key_value_heads: hidden / headSize / 2, head_dim: headSize }
            : {}),
          ...('vocab_size' in shape.config ? { vocab_size: 1024 } : {}),
          ...('pooler_hidden_size' in shape.config ? { pooler_hidden_size: hidden } : {}),
        }
      : {}),
  };
  const vocabulary = 'vocab_size' in config ? (config.vocab_size as number) : undefined;
  return {
    ...shape,
    config,
    rank: toy ? 8 : shape.rank,
    extent: toy ? { batch: 2, length: Math.min(16, shape.extent.length) } : shape.extent,
    inputs: (extent, rng) => {
      const inputs = shape.inputs(extent, rng);
      const { inputIds } = inputs;
      if (inputIds !== undefined && vocabulary !== undefined)
        for (let i = 0; i < inputIds.length; i++) inputIds[i]! %= vocabulary;
      return inputs;
    },
  };
}

const BLOCK = 2 ** 22;
const BYTES = { F32: 4, BF16: 2 } as const;

/**
 * The model with weights in a file of random numbers, written once and whatever its size in little memory: a block of
 * normal numbers, of the deviation 0.02, over and over; norms are ones.
 */
export async function storedShape(shape: BenchShape, dtype: 'F32' | 'BF16', folder: string): Promise<Model> {
  const { task, config } = shape;
  const name = `${config.model_type}-${config.hidden_size}-${config.num_hidden_layers}-${dtype}.safetensors`;
  const file = path.join(folder, name);
  if (!existsSync(file)) await writeRandom(outlineModel(task, { ...config }).weights, dtype, file);
  return modelFor(task, { ...config }, (await readSafetensorsHeader(file)).tensors);
}

/** Random weights of these shapes, as {@link storedShape} has them. */
export async function writeRandom(
  weights: ReadonlyMap<string, { readonly shape: readonly number[] }>,
  dtype: 'F32' | 'BF16',
  file: string,
): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  const width = BYTES[dtype];
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let offset = 0;
  for (const [name, { shape }] of weights) {
    const bytes = shape.reduce((a, b) => a * b, 1) * width;
    header[name] = { dtype, shape, data_offsets: [offset, offset + bytes] };
    offset += bytes;
  }
  const text = Buffer.from(JSON.stringify(header));
  const rng = RandomStream.from(1, 'bench', 'weights');
  const random = blockOf(dtype, () => 0.02 * rng.normal());
  const ones = blockOf(dtype, () => 1);
  // Two benches may write it at once: each its own, and the last one to finish stays.
  const partial = `${file}.${process.pid}.tmp`;
  const handle = await open(partial, 'w');
  try {
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(text.length));
    await handle.write(length);
    await handle.write(text);
    for (const [name, { shape }] of weights) {
      const isScale = shape.length === 1 && /norm.*weight$/i.test(name);
      const block = isScale ? ones : random;
      let left = shape.reduce((a, b) => a * b, 1) * width;
      while (left > 0) {
        const part = Math.min(left, block.length);
        await handle.write(block, 0, part);
        left -= part;
      }
    }
  } finally {
    await handle.close();
  }
  await rename(partial, file);
}

/** The upper halves of float32 numbers are bfloat16, rounded towards zero. */
function blockOf(dtype: 'F32' | 'BF16', draw: () => number): Buffer {
  const values = Float32Array.from({ length: BLOCK }, draw);
  if (dtype === 'F32') return Buffer.from(values.buffer);
  const halves = new Uint16Array(values.buffer);
  return Buffer.from(Uint16Array.from({ length: BLOCK }, (_, i) => halves[2 * i + 1]!).buffer);
}
