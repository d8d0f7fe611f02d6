/** Normalisations and their gradients, each in one pass. */
import { sizeOf } from '../ir/graph.ts';
import { type KernelSource, rowKernel } from './kernelSource.ts';

/** Rows over the last axis of a shape, and how long they are. */
const rowsOf = (shape: readonly number[]) => ({ rows: sizeOf(shape.slice(0, -1)), width: shape.at(-1)! });

/** Of `LayerNorm`: x, gamma and beta give y, mean and invStd. @param shape of x, normalised over the last axis */
export function layerNormKernel(shape: readonly number[], epsilon: number): KernelSource {
  const { rows, width } = rowsOf(shape);
  return rowKernel({
    rows,
    width,
    inputs: 3,
    // Sums of differences from one element of the row: those of squares lose no digits where the mean is large.
    row: [`const float one = i0[row * ${width}u];`],
    column: ['const float d = i0[at] - one;'],
    sums: ['d', 'd * d'],
    after: [
      `const float shift = s0 / ${width}.0f;`,
      'const float mean = one + shift;',
      `const float spread = s1 / ${width}.0f - shift * shift;`,
      `const float inv = 1.0f / sqrtf((spread > 0.0f ? spread : 0.0f) + ${epsilon.toExponential()}f);`,
    ],
    result: '(i0[at] - mean) * inv * i1[c] + i2[c]',
    rowResults: ['mean', 'inv'],
  });
}

/** Of `RmsNorm`: x and gamma give y and invRms. @param roundTo 16-bit type of y. @param shape of x, normalised over the last axis */
export function rmsNormKernel(
  shape: readonly number[],
  epsilon: number,
  roundTo: 'bf16' | 'f16' | undefined,
): KernelSource {
  const { rows, width } = rowsOf(shape);
  return rowKernel({
    rows,
    width,
    inputs: 2,
    row: [],
    column: ['const float x = i0[at];'],
    sums: ['x * x'],
    after: [`const float inv = 1.0f / sqrtf(s0 / ${width}.0f + ${epsilon.toExponential()}f);`],
    result: 'i0[at] * inv * i1[c]',
    rowResults: ['inv'],
    ...(roundTo && { roundTo }),
  });
}

/**
 * Of `LayerNormGrad`: dy, x, gamma, mean and invStd.
 * @param shape of dy, normalised over the last axis
 * @param hasSum whether a sixth input is added
 */
export function layerNormGradKernel(shape: readonly number[], hasSum: boolean): KernelSource {
  const { rows, width } = rowsOf(shape);
  return rowKernel({
    rows,
    width,
    inputs: hasSum ? 6 : 5,
    row: ['const float mean = i3[row], inv = i4[row];'],
    column: ['const float g = i0[at] * i2[c]; const float normal = (i1[at] - mean) * inv;'],
    sums: ['g', 'g * normal'],
    result: `inv * (g - s0 / ${width}.0f - normal * (s1 / ${width}.0f))${hasSum ? ' + i5[at]' : ''}`,
  });
}

/**
 * Of `RmsNormGrad`: dy, x, gamma and invRms.
 * @param shape of dy, normalised over the last axis
 * @param hasSum whether a fifth input is added
 */
export function rmsNormGradKernel(shape: readonly number[], hasSum: boolean): KernelSource {
  const { rows, width } = rowsOf(shape);
  return rowKernel({
    rows,
    width,
    inputs: hasSum ? 5 : 4,
    row: ['const float inv = i3[row];'],
    column: ['const float g = i0[at] * i2[c]; const float normal = i1[at] * inv;'],
    sums: ['g * normal'],
    result: `inv * (g - normal * (s0 / ${width}.0f))${hasSum ? ' + i4[at]' : ''}`,
  });
}
