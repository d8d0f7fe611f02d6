/** From an image to what a vision model reads, by the model's own `preprocessor_config.json`. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { reasonOf, shown } from '@psoft/engine/errors';
import { DataError } from '../text.ts';
import type { Image } from './pixels.ts';
import { FILTERS, type Resample, resize } from './resize.ts';

export interface ImageProcessor {
  /** Says what {@link ImageProcessor.fit} does: of equal keys, equal bytes. */
  readonly key: string;
  readonly width: number;
  readonly height: number;
  /** Resized RGB bytes, [height, width, 3]: what is worth keeping, a quarter of the model's input. */
  fit(image: Image): Uint8Array;
  /**
   * Scaled and normalised, channels first, as models read it.
   * @param pixels from {@link ImageProcessor.fit}
   * @param into float32 [3, height, width], at `offset` in a batch
   */
  normalise(pixels: Uint8Array, into: Float32Array, offset?: number): void;
}

const CONFIG = 'preprocessor_config.json';
const CHANNELS = 3;
/** Pixels: no model takes so many, and a picture of them still fits in memory. */
const LARGEST_SIDE = 4096;

/**
 * Reads the image processor of a model folder: resizing to a fixed size without keeping the ratio (ViT's, no cropping),
 * scaling, normalisation by channel.
 * @throws DataError for a missing file and for settings that are not these
 */
export async function loadImageProcessor(folder: string): Promise<ImageProcessor> {
  const file = path.join(folder, CONFIG);
  if (!existsSync(file)) throw new DataError(`no ${CONFIG} in ${folder}: a vision model's folder needs it`);
  try {
    const config: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (typeof config !== 'object' || config === null || Array.isArray(config))
      throw new Error(`must hold a JSON object, got ${shown(config)}`);
    return imageProcessor(config as Record<string, unknown>);
  } catch (error) {
    throw new DataError(`${file}: ${reasonOf(error)}`, { cause: error });
  }
}

/** @param config the parsed file; settings left out are those of transformers' ViTImageProcessor */
export function imageProcessor(config: Readonly<Record<string, unknown>>): ImageProcessor {
  const {
    do_resize: resizes = true,
    do_rescale: rescales = true,
    do_normalize: normalises = true,
    resample = 2,
    rescale_factor: factor = 1 / 255,
    do_center_crop: crops = false,
  } = config;
  if (!resizes) throw new Error('do_resize is false: images of one size are needed; set it to true');
  if (crops) throw new Error('do_center_crop is true, which is not supported: only plain resizing is');
  if (typeof resample !== 'number' || !Object.hasOwn(FILTERS, resample))
    throw new Error(`resample is ${shown(resample)}, supported: 2 (bilinear), 3 (bicubic)`);
  const { width, height } = sizeOf(config.size ?? 224);
  if (typeof factor !== 'number' || !Number.isFinite(factor))
    throw new Error(`rescale_factor is ${shown(factor)}, expected a number`);
  const scale = rescales ? factor : 1;
  const [mean, deviation] = [config.image_mean, config.image_std].map((value, i) =>
    normalises ? channels(value ?? [0.5, 0.5, 0.5], i === 0 ? 'image_mean' : 'image_std') : [i, i, i],
  ) as [number[], number[]];
  // A byte has 256 values: each channel's are computed once, in double precision.
  const tables = mean.map((m, channel) =>
    Float32Array.from({ length: 256 }, (_, byte) => (byte * scale - m) / deviation[channel]!),
  );
  if (!tables.every((table) => table.every(Number.isFinite)))
    throw new Error(
      `image_mean ${shown(mean)} and image_std ${shown(deviation)} make of a byte what is no number`,
    );
  const size = width * height;
  return {
    key: `${width} x ${height}, filter ${resample}`,
    width,
    height,
    fit: (image) => resize(image, width, height, resample as Resample).data,
    normalise(pixels, into, offset = 0) {
      for (let channel = 0; channel < CHANNELS; channel++) {
        const table = tables[channel]!;
        const start = offset + channel * size;
        for (let i = 0; i < size; i++) into[start + i] = table[pixels[i * CHANNELS + channel]!]!;
      }
    },
  };
}

function sizeOf(size: unknown): { width: number; height: number } {
  const { width, height } = Object(typeof size === 'number' ? { width: size, height: size } : size);
  const isSize = (value: unknown): value is number =>
    Number.isSafeInteger(value) && (value as number) > 0 && (value as number) <= LARGEST_SIDE;
  if (!isSize(width) || !isSize(height))
    throw new Error(
      `size is ${shown(size)}, expected a number up to ${LARGEST_SIDE} or { "height": n, "width": n }`,
    );
  return { width, height };
}

function channels(value: unknown, name: string): number[] {
  if (!Array.isArray(value) || value.length !== CHANNELS || value.some((one) => !Number.isFinite(one)))
    throw new Error(`${name} is ${shown(value)}, expected three numbers`);
  return value as number[];
}
