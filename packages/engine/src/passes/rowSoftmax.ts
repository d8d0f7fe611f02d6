/** A softmax with what stands around it - a mask that is added, the rounding of the result - in one pass over its rows. */
import { WIDEST_SOFTMAX } from '../cuda/softmaxKernel.ts';
import { type GraphNode, sizeOf, type Value } from '../ir/graph.ts';
import { type Pass, producers, readersOf, TakenRoundings } from './rewrite.ts';

/** For graphs whose operators may be kernels of our own. */
export const rowSoftmax: Pass = {
  name: 'row softmax',
  run(graph) {
    const made = producers(graph);
    const readers = readersOf(graph);
    const results = new Set(graph.outputs.values());
    const roundings = new TakenRoundings(graph);
    const isReadOnce = (value: Value) => readers.get(value)!.length === 1 && !results.has(value);
    let isChanged = false;
    const nodes = graph.nodes.map((node) => {
      if (node.op !== 'RowSoftmax' && (node.op !== 'Softmax' || !isOverRows(node))) return node;
      isChanged = true;
      const [y] = node.outputs as [Value];
      const sum = made.get(node.inputs[0]!);
      const isMasked = sum?.op === 'Add' && isReadOnce(sum.outputs[0]!);
      const rounded = roundings.take(y, true);
      const isFull = rounded?.isOnly !== true;
      return {
        op: 'RowSoftmax',
        inputs: (isMasked ? maskedParts(sum) : undefined) ?? node.inputs,
        outputs: [...(isFull ? [y] : []), ...(rounded === undefined ? [] : [rounded.value])],
        attrs: {
          valid: y.shape.at(-1)!,
          ...node.attrs,
          isFull,
          ...(rounded && { roundTo: rounded.to }),
        },
      };
    });
    // The mask's addition, which nobody reads any more, goes as dead code.
    return isChanged ? roundings.finish(nodes) : graph;
  },
};

/** Whether a softmax is over the last axis, and one that a kernel of our own takes. */
export function isOverRows({ attrs, inputs }: GraphNode): boolean {
  const { shape } = inputs[0]!;
  const axis = (attrs.dim as number | undefined) ?? -1;
  return (axis === -1 || axis === shape.length - 1) && shape.at(-1)! <= WIDEST_SOFTMAX;
}

/** Scores and a mask that is broadcast to them. */
function maskedParts({ inputs, outputs: [y] }: GraphNode): readonly [Value, Value] | undefined {
  const size = sizeOf(y!.shape);
  const [a, b] = inputs as [Value, Value];
  if (sizeOf(a.shape) === size && sizeOf(b.shape) < size) return [a, b];
  return sizeOf(b.shape) === size && sizeOf(a.shape) < size ? [b, a] : undefined;
}
