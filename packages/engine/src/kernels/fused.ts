/** The nodes that `passes/fusion.ts` and `passes/moves.ts` make, and kernels of CUDA that stand for several ONNX nodes. */
import { type KernelSource, regionKernel } from '../cuda/kernelSource.ts';
import { logSumKernel } from '../cuda/logSumKernel.ts';
import { moveKernel } from '../cuda/moveKernel.ts';
import type { NormGradient } from '../cuda/normKernels.ts';
import { softmaxKernel } from '../cuda/softmaxKernel.ts';
import { type Attributes, type GraphNode, sizeOf, type Value } from '../ir/graph.ts';
import { isFilled, type Moves } from '../ir/moves.ts';
import { broadcastIndex, type Region } from '../ir/region.ts';
import { ONNX_DTYPE, type OnnxBuilder } from '../onnx/builder.ts';
import { storedHalf } from '../onnx/narrow.ts';
import { HALF_TYPE, OnnxType } from '../onnx/proto.ts';
import { attr, type Kernel } from './kernel.ts';

export const regionOf = ({ attrs }: { readonly attrs: Attributes }): Region => attrs.region as Region;

/** Element-wise steps in one kernel. */
const Fused: Kernel = {
  infer: (_, attrs) => regionOf({ attrs }).outputs.map(({ shape }) => ({ shape, dtype: 'float32' as const })),
  lower: (node, onnx) => {
    const region = regionOf(node);
    const inputs = node.inputs.map((value) => {
      const half = onnx.half(value);
      return half ?? { name: onnx.name(value), type: ONNX_DTYPE[value.dtype] };
    });
    const kernel = regionKernel(
      region,
      inputs.map(({ type }) => type),
    );
    emitFor(
      node,
      onnx,
      kernel,
      inputs.map(({ name }) => name),
    );
  },
};

const movesOf = ({ attrs }: { readonly attrs: Attributes }): Moves => attrs.moves as Moves;

/**
 * Boxes of tensors copied to tensors. What comes from numbers of one 16-bit type alone stays in it; outputs that have an entry
 * in `roundTo` are rounded.
 */
const Moved: Kernel = {
  infer: (inputs, attrs) =>
    movesOf({ attrs }).outputs.map((shape) => ({ shape, dtype: inputs[0]?.dtype ?? 'float32' })),
  lower: (node, onnx) => {
    const { list, outputs: shapes } = movesOf(node);
    const inputs = node.inputs.map(
      (value) => storedHalf(value, onnx) ?? { name: onnx.name(value), type: ONNX_DTYPE[value.dtype] },
    );
    const [first] = inputs;
    const isHalf =
      (first?.type === OnnxType.BFLOAT16 || first?.type === OnnxType.FLOAT16) &&
      inputs.every(({ type }) => type === first.type) &&
      list.every((move) => !isFilled(move) || EXACT.has(move.from));
    const roundTo = (i: number) => attr<readonly ('bf16' | 'f16' | undefined)[]>(node, 'roundTo')[i];
    const outputs = shapes.map((shape, i) => {
      const rounded = roundTo(i);
      const wide = isHalf ? first.type : ONNX_DTYPE[node.outputs[i]!.dtype];
      return { type: rounded === undefined ? wide : HALF_TYPE[rounded], shape };
    });
    const kernel = moveKernel(
      list,
      inputs.map(({ type }) => type),
      outputs,
    );
    emitFor(
      node,
      onnx,
      kernel,
      inputs.map(({ name }) => name),
    );
  },
};

/** Fillings that every floating-point type has. */
const EXACT = new Set([0, 1]);

/**
 * The softmax of rows of x, to which a mask may be added, in float32 (`isFull`), in a 16-bit type (`roundTo`), or in both;
 * of a row `valid` columns count, and the rest is 0. Made by `passes/rowSoftmax.ts`.
 */
const RowSoftmax: Kernel = {
  infer: ([x], { isFull, roundTo }) =>
    [isFull, roundTo].filter(Boolean).map(() => ({ shape: x!.shape, dtype: 'float32' as const })),
  lower: (node, onnx) => {
    const [x, mask] = node.inputs as [Value, Value?];
    const width = x.shape.at(-1)!;
    const { isFull, roundTo, valid } = node.attrs as {
      isFull: boolean;
      roundTo?: 'bf16' | 'f16';
      valid: number;
    };
    const kernel = softmaxKernel(
      {
        softmax: { rows: sizeOf(x.shape) / width, width },
        valid,
        bias: mask && broadcastIndex(mask.shape, x.shape),
      },
      [onnx.half(x)?.type ?? OnnxType.FLOAT, ...(mask === undefined ? [] : [OnnxType.FLOAT])],
      [...(isFull ? [OnnxType.FLOAT] : []), ...(roundTo === undefined ? [] : [HALF_TYPE[roundTo]])],
    );
    lowerAsKernel(node, onnx, kernel);
  },
};

/** Of logits [n, classes] and labels [n]: the losses [n], and the log of each row's sum of exponentials. Made by `passes/tokenLosses.ts`. */
const RowLogSum: Kernel = {
  infer: ([logits]) => {
    const rows = logits!.shape[0]!;
    return [[rows], [rows, 1]].map((shape) => ({ shape, dtype: 'float32' as const }));
  },
  lower: (node, onnx) => {
    const [logits] = node.inputs as [Value];
    const [rows, width] = logits.shape as [number, number];
    const type = onnx.half(logits)?.type ?? OnnxType.FLOAT;
    lowerAsKernel(node, onnx, logSumKernel({ logSum: { rows, width } }, type));
  },
};

type Rounding = 'bf16' | 'f16' | undefined;

/** The type of the first output of a node that `passes/roundings.ts` may have given a rounding. */
export function firstType({ attrs }: GraphNode): OnnxType {
  const roundTo = attrs.roundTo as Rounding;
  return roundTo === undefined ? OnnxType.FLOAT : HALF_TYPE[roundTo];
}

/** Of the gradient of a normalisation: dx, and dx once more where a pass wants it rounded, too. */
export const gradientTypes: Kernel['infer'] = ([dy], { alsoRoundTo }) =>
  (alsoRoundTo === undefined ? [dy] : [dy, dy]).map((one) => ({ shape: one!.shape, dtype: 'float32' }));

/** The gradient of a normalisation that takes `count` inputs, with what passes have added to it. */
export function normGradient({ inputs, attrs }: GraphNode, count: number): NormGradient {
  const also = attrs.alsoRoundTo as Rounding;
  return {
    hasSum: inputs.length > count,
    types: [OnnxType.FLOAT, ...(also === undefined ? [] : [HALF_TYPE[also]])],
  };
}

/** Writes `kernel` for a node whose outputs it computes, the first of them in 16 bits where the node says so. */
export function lowerAsKernel(node: GraphNode, onnx: OnnxBuilder, kernel: KernelSource): void {
  const inputs = node.inputs.map((value, i) =>
    kernel.inputs[i] === onnx.half(value)?.type ? onnx.half(value)!.name : onnx.name(value),
  );
  const outputs = kernel.outputs.map(({ type }, i) => ({ type, shape: node.outputs[i]!.shape }));
  emitFor(node, onnx, { ...kernel, outputs }, inputs);
}

/** Writes a kernel whose outputs are the node's: in the type that a value has in the graph, or rounded to 16 bits. */
function emitFor(node: GraphNode, onnx: OnnxBuilder, kernel: KernelSource, inputs: readonly string[]): void {
  const names = onnx.emitKernel(kernel, inputs);
  node.outputs.forEach((value, i) => {
    const { type } = kernel.outputs[i]!;
    if (type === ONNX_DTYPE[value.dtype]) onnx.bind(value, names[i]!);
    else onnx.bindHalf(value, { name: names[i]!, type });
  });
}

export const fusedKernels = { Fused, Moved, RowLogSum, RowSoftmax } as const;
