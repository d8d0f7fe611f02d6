/** Normalisations and their gradients, each in one pass. */
import { sizeOf } from '../ir/graph.ts';
import type { OnnxType } from '../onnx/proto.ts';
import { type KernelSource, rowKernel } from './kernelSource.ts';

/** Of the gradient of a normalisation: what is added to it, if anything is, and the types in which it is written. */
export interface NormGradient {
  readonly hasSum: boolean;
  readonly types: readonly OnnxType[];
}

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
    // From differences again: the mean itself is rounded.
    result: '(i0[at] - one - shift) * inv * i1[c] + i2[c]',
    rowResults: ['mean', 'inv'],
  });
}

/** Of `RmsNorm`: x and gamma give y and invRms. @param shape of x, normalised over the last axis. @param type of y */
export function rmsNormKernel(shape: readonly number[], epsilon: number, type: OnnxType): KernelSource {
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
    types: [type],
  });
}

/**
 * Of `LayerNormGrad`: dy, x, gamma, mean and invStd.
 * @param shape of dy, normalised over the last axis
 * @param gradient whose sum is a sixth input
 */
export function layerNormGradKernel(shape: readonly number[], { hasSum, types }: NormGradient): KernelSource {
  const { rows, width } = rowsOf(shape);
  return rowKernel({
    rows,
    width,
    inputs: hasSum ? 6 : 5,
    row: ['const float mean = i3[row], inv = i4[row];'],
    column: ['const float g = i0[at] * i2[c]; const float normal = (i1[at] - mean) * inv;'],
    sums: ['g', 'g * normal'],
    result: `inv * (g - s0 / ${width}.0f - normal * (s1 / ${width}.0f))${hasSum ? ' + i5[at]' : ''}`,
    types,
  });
}

/**
 * Of `RmsNormGrad`: dy, x, gamma and invRms.
 * @param shape of dy, normalised over the last axis
 * @param gradient whose sum is a fifth input
 */
export function rmsNormGradKernel(shape: readonly number[], { hasSum, types }: NormGradient): KernelSource {
  const { rows, width } = rowsOf(shape);
  return rowKernel({
    rows,
    width,
    inputs: hasSum ? 5 : 4,
    row: ['const float inv = i3[row];'],
    column: ['const float g = i0[at] * i2[c]; const float normal = i1[at] * inv;'],
    sums: ['g * normal'],
    result: `inv * (g - normal * (s0 / ${width}.0f))${hasSum ? ' + i4[at]' : ''}`,
    types,
  });
}
