/** How many floating-point operations the matrix products of a ViT's training step take: 2 · m · k · n for each. */
import type { Graph, LinearModule, Model } from '@psoft/engine';

/** What is trained: an adapter on all linear layers of the encoder and the head, the head alone, or everything. */
export type Trained =
  | { readonly kind: 'psoft' | 'lora'; readonly rank: number }
  | { readonly kind: 'head' | 'full' };

export interface VitExtent {
  readonly batch: number;
  readonly layers: number;
  readonly hidden: number;
  readonly patches: number;
  /** Pixels of a patch times channels. */
  readonly patchInputs: number;
}

export interface StepFlops {
  /** Weights of the pre-trained network and the head: forward, input gradients, gradients of those that are trained. */
  readonly linears: number;
  /** Scores and mixtures of attention, forward and backward. */
  readonly attention: number;
  /** The adapters' own products. */
  readonly adapters: number;
  readonly total: number;
}

/**
 * With N = batch · tokens rows, an adapted step takes, for each linear layer [out, in] of the encoder and each layer's
 * attention of h heads of size d over n tokens:
 * - linear layer: 2 N in out forward, as much for the gradient of its input, none for its frozen weight;
 * - attention: 2 batch h n² d for each of 2 products forward and 4 backward;
 * - PSOFT: 2 N r (in + r + out) forward, 2 N r (in + 2 r + out) backward (its A and B are frozen), and 4 r³ for the
 *   gradient of the inverse; LoRA: 2 N r (in + out) forward, twice that backward.
 * Less what the program need not compute: the last layer's query, attention output and feed-forward layer see the
 * class token only, the first layer's query, key and value need no input gradient. Elementwise work counts nothing.
 */
export function vitStepFlops(model: Model, extent: VitExtent, trained: Trained): StepFlops {
  const { batch, layers, hidden, patches, patchInputs } = extent;
  const isFull = trained.kind === 'full';
  const hasBackward = trained.kind !== 'head';
  const tokens = patches + 1;
  const last = layers - 1;
  // The kernel of the patches is a convolution: no linear layer of the model. Nobody needs the pixels' gradient.
  let linears = 2 * batch * patches * patchInputs * hidden * (isFull ? 2 : 1);
  let adapters = 0;
  for (const module of model.linears) {
    const layer = layerOf(module);
    const { inFeatures, outFeatures } = module;
    if (layer === undefined) {
      // The head: forward and its weight's gradient, and the input's where something before it is trained.
      linears += 2 * batch * inFeatures * outFeatures * (hasBackward ? 3 : 2);
      continue;
    }
    const rows = layer === last && !/\.(key|value)$/.test(module.name) ? batch : batch * tokens;
    const needsInput = hasBackward && (isFull || layer > 0 || !/\.(query|key|value)$/.test(module.name));
    const passes = 1 + Number(needsInput) + Number(isFull);
    linears += passes * 2 * rows * inFeatures * outFeatures;
    if ('rank' in trained) adapters += adapterFlops(trained, rows, module, needsInput);
  }
  const scores = (layers - 1) * 2 * batch * tokens * tokens * hidden + 2 * batch * tokens * hidden;
  const attention = scores * (hasBackward ? 6 : 2);
  return { linears, attention, adapters, total: linears + attention + adapters };
}

function adapterFlops(
  { kind, rank }: { readonly kind: 'psoft' | 'lora'; readonly rank: number },
  rows: number,
  { inFeatures, outFeatures }: LinearModule,
  needsInput: boolean,
): number {
  const forward = inFeatures + outFeatures;
  const backward = outFeatures + (needsInput ? inFeatures : 0);
  if (kind === 'lora') return 2 * rows * rank * (forward + backward + inFeatures + outFeatures);
  // PSOFT fills its rank with zeros to a multiple of 8, but for the map itself.
  const filled = rank > 8 ? 8 * Math.ceil(rank / 8) : rank;
  // The core forward, its gradient, and back through it to x Aᵀ.
  const own = (needsInput ? 3 : 2) * filled;
  return 2 * rows * filled * (forward + backward + own) + 4 * rank ** 3;
}

/** Index of the encoder layer; undefined for the head. */
function layerOf({ name }: LinearModule): number | undefined {
  const index = /\.layer\.(\d+)\./.exec(name)?.[1];
  return index === undefined ? undefined : Number(index);
}

/** The same from the program: every product that is in its graph. A bias that is a row of its weight is none. */
export function productFlops({ nodes }: Graph): number {
  const made = new Map(nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  type Value = Graph['nodes'][number]['outputs'][number];
  const columnsOfOnes = (value: Value): number => {
    const node = made.get(value);
    if (node?.op === 'Fill') return node.attrs.value === 1 ? value.shape.at(-1)! : 0;
    return node?.op === 'Concat' ? node.inputs.reduce((sum, input) => sum + columnsOfOnes(input), 0) : 0;
  };
  let flops = 0;
  for (const { op, inputs, outputs, attrs } of nodes) {
    if (op !== 'BatchMatMul' && op !== '_FusedMatMul' && op !== 'Gemm') continue;
    const inner = inputs[0]!.shape.at(attrs.transposeA === true ? -2 : -1)! - columnsOfOnes(inputs[0]!);
    flops += 2 * inner * outputs[0]!.shape.reduce((size, dim) => size * dim, 1);
  }
  return flops;
}
