/** What the writing of a model has to know of the device that will run it. */
import type { Device } from '../run/program.ts';
import type { HalfWeights } from '../run/session.ts';
import type { Attributes, OnnxBuilder } from './builder.ts';
import { WEBGPU_LACKS, WEBGPU_SUBSTITUTES } from './webgpu.ts';

/** Writes other nodes in the place of one. @returns the names of its outputs */
export type Substitute = (
  onnx: OnnxBuilder,
  inputs: readonly string[],
  node: { readonly count: number; readonly attributes: Attributes },
) => string[];

export interface Target {
  /** Whether products of 16-bit numbers run as such: products of rounded operands then run in that type. */
  readonly multipliesHalves: boolean;
  /** Whether kernels of our own can be part of a model. */
  readonly hasKernels: boolean;
  /** Where 16-bit weights can be kept in one way only. */
  readonly halfWeights?: HalfWeights;
  /** By operator: what is written instead where the device's provider has no kernel for it. */
  readonly substitutes: Readonly<Record<string, Substitute>>;
  /** Whether Slice and Pad copy with one thread and Split and Concat with all. */
  readonly slicesAlone: boolean;
  /** Operators without a kernel there whose substitute depends on shapes: the kernels of `kernels/` look here. */
  readonly lacks: ReadonlySet<string>;
}

/** Every operator as it is. */
export const ANY_TARGET: Target = {
  multipliesHalves: false,
  hasKernels: false,
  slicesAlone: false,
  substitutes: {},
  lacks: new Set(),
};

const tangent: Substitute = (onnx, [x]) => [
  onnx.emit('Div', [onnx.emit('Sin', [x!]), onnx.emit('Cos', [x!])]),
];

export const TARGETS: Readonly<Record<Device, Target>> = {
  cpu: { ...ANY_TARGET, slicesAlone: true },
  // Its provider has every operator that is written but this one.
  cuda: { ...ANY_TARGET, multipliesHalves: true, substitutes: { Tan: tangent } },
  // Its products of 16-bit numbers sum in 16 bits, too: operands are rounded, and products run in float32.
  // It has no bfloat16, and 16-bit floats on some adapters only: weights are widened once, while a session is made.
  webgpu: {
    ...ANY_TARGET,
    halfWeights: 'widened',
    substitutes: WEBGPU_SUBSTITUTES,
    lacks: WEBGPU_LACKS,
  },
};

/** @param hasKernels whether kernels of our own can be compiled for it */
export function targetOf(device: Device, hasKernels: boolean): Target {
  return { ...TARGETS[device], hasKernels };
}
