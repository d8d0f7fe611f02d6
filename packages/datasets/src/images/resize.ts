/**
 * Resizing as Pillow does it, which the image processors of vision models were written around: a separable filter that
 * widens with the reduction (so that nothing is skipped), columns first, rounded to bytes after each direction.
 */
import type { Image } from './pixels.ts';

/** Filters by the number that `preprocessor_config.json` gives them ("resample"). */
export const FILTERS = {
  /** bilinear */
  2: { support: 1, at: (x: number) => Math.max(0, 1 - Math.abs(x)) },
  /** bicubic, a = -1/2 */
  3: { support: 2, at: cubic },
} as const;
export type Resample = keyof typeof FILTERS;

const CHANNELS = 3;
/** Weights are whole multiples of 2^-22, as in Pillow: its results are met to the bit. */
const PRECISION = 22;

/**
 * @param image RGB
 * @param resample 2 bilinear, 3 bicubic
 */
export function resize(image: Image, width: number, height: number, resample: Resample = 2): Image {
  for (const [name, size] of [
    ['width', width],
    ['height', height],
  ] as const)
    if (!Number.isSafeInteger(size) || size < 1)
      throw new Error(`an image cannot have a ${name} of ${size}: give a whole number of at least 1`);
  const across = image.width === width ? image : resizeColumns(image, width, resample);
  return across.height === height ? across : transpose(resizeColumns(transpose(across), height, resample));
}

function resizeColumns(image: Image, width: number, resample: Resample): Image {
  const { starts, weights, taps } = windows(image.width, width, resample);
  const { height, data } = image;
  const result = new Uint8Array(width * height * CHANNELS);
  for (let y = 0; y < height; y++) {
    const row = y * image.width * CHANNELS;
    for (let x = 0; x < width; x++) {
      const from = row + starts[x]! * CHANNELS;
      const to = (y * width + x) * CHANNELS;
      const last = Math.min(taps, image.width - starts[x]!);
      for (let channel = 0; channel < CHANNELS; channel++) {
        // Below 2^53: eight bits times weights that add up to 2^22.
        let sum = 2 ** (PRECISION - 1);
        for (let tap = 0; tap < last; tap++)
          sum += data[from + tap * CHANNELS + channel]! * weights[x * taps + tap]!;
        result[to + channel] = Math.min(255, Math.max(0, Math.floor(sum / 2 ** PRECISION)));
      }
    }
  }
  return { width, height, data: result };
}

/** For each new column, the first old one that counts and the weights from there on. */
function windows(oldSize: number, newSize: number, resample: Resample) {
  const filter = FILTERS[resample];
  const scale = oldSize / newSize;
  const widening = Math.max(1, scale);
  const support = filter.support * widening;
  const taps = Math.ceil(support) * 2 + 1;
  const starts = new Int32Array(newSize);
  const weights = new Int32Array(newSize * taps);
  for (let x = 0; x < newSize; x++) {
    const center = (x + 0.5) * scale;
    const start = Math.max(0, Math.trunc(center - support + 0.5));
    const end = Math.min(oldSize, Math.trunc(center + support + 0.5));
    const values = Array.from({ length: end - start }, (_, tap) =>
      filter.at((start + tap - center + 0.5) / widening),
    );
    const sum = values.reduce((a, b) => a + b, 0);
    starts[x] = start;
    for (const [tap, value] of values.entries()) {
      const whole = (value / sum) * 2 ** PRECISION;
      weights[x * taps + tap] = Math.trunc(whole < 0 ? whole - 0.5 : whole + 0.5);
    }
  }
  return { starts, weights, taps };
}

function transpose({ width, height, data }: Image): Image {
  const result = new Uint8Array(data.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let channel = 0; channel < CHANNELS; channel++)
        result[(x * height + y) * CHANNELS + channel] = data[(y * width + x) * CHANNELS + channel]!;
  return { width: height, height: width, data: result };
}

function cubic(x: number): number {
  const a = -0.5;
  const t = Math.abs(x);
  if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
  if (t < 2) return (((t - 5) * t + 8) * t - 4) * a;
  return 0;
}
