/** What kernels need while they run, as multiples of their first output. */

/**
 * Largest number of values of the output's size, beside it, that live at one time between the ONNX nodes a kernel is
 * lowered to. Kernels of one node, and those whose steps are small, need none.
 */
export const WORKSPACE: Readonly<Record<string, number>> = {
  GeluGrad: 2,
  LayerNormGrad: 2,
  RmsNormGrad: 2,
  SwigluGrad: 3,
  TokenLossGrad: 1,
  RoundTo: 0.5,
  Step: 1,
  Mod: 1,
  FloorDiv: 1,
  Rsqrt: 0,
  UnsortedSegmentSum: 1,
};

/** Kernels of one ONNX node that may write their result over an operand. */
export const IN_PLACE: ReadonlySet<string> = new Set([
  'Abs',
  'Add',
  'Exp',
  'Log',
  'Multiply',
  'Neg',
  'RealDiv',
  'Reciprocal',
  'Relu',
  'Sigmoid',
  'Softmax',
  'Sqrt',
  'Sub',
  'Tanh',
]);
