/** Gradients of normalisations in one pass. */
import { sizeOf } from '../ir/graph.ts';
import { type KernelSource, rowKernel } from './kernelSource.ts';

/** Of `LayerNormGrad`: dy, x, gamma, mean and invStd. @param shape of dy, normalised over the last axis */
export function layerNormGradKernel(shape: readonly number[]): KernelSource {
  const width = shape.at(-1)!;
  return rowKernel({
    rows: sizeOf(shape.slice(0, -1)),
    width,
    inputs: 5,
    row: ['const float mean = i3[row], inv = i4[row];'],
    column: ['const float g = i0[at] * i2[c]; const float normal = (i1[at] - mean) * inv;'],
    sums: ['g', 'g * normal'],
    result: `inv * (g - s0 / ${width}.0f - normal * (s1 / ${width}.0f))`,
  });
}

/** Of `RmsNormGrad`: dy, x, gamma and invRms. @param shape of dy, normalised over the last axis */
export function rmsNormGradKernel(shape: readonly number[]): KernelSource {
  const width = shape.at(-1)!;
  return rowKernel({
    rows: sizeOf(shape.slice(0, -1)),
    width,
    inputs: 4,
    row: ['const float inv = i3[row];'],
    column: ['const float g = i0[at] * i2[c]; const float normal = i1[at] * inv;'],
    sums: ['g * normal'],
    result: `inv * (g - normal * (s0 / ${width}.0f))`,
  });
}
