/** A softmax with what stands around it - a mask that is added, the rounding of the result - in one pass over its rows. */
import { WIDEST_SOFTMAX } from '../cuda/softmaxKernel.ts';
import { type GraphNode, sizeOf, type Value } from '../ir/graph.ts';
import { isRounding, type Pass, producers, readersOf, Substitution } from './rewrite.ts';

/** For graphs whose operators may be kernels of our own. */
export const rowSoftmax: Pass = {
  name: 'row softmax',
  run(graph) {
    const made = producers(graph);
    const readers = readersOf(graph);
    const results = new Set(graph.outputs.values());
    const values = new Substitution();
    const gone = new Set<GraphNode>();
    const isReadOnce = (value: Value) => readers.get(value)!.length === 1 && !results.has(value);
    let isChanged = false;
    const nodes = graph.nodes.map((node) => {
      if (node.op !== 'RowSoftmax' && (node.op !== 'Softmax' || !isLastAxis(node))) return node;
      isChanged = true;
      const [y] = node.outputs as [Value];
      const sum = made.get(node.inputs[0]!);
      const parts = sum?.op === 'Add' && isReadOnce(sum.outputs[0]!) ? maskedParts(sum) : undefined;
      if (parts !== undefined) gone.add(sum!);
      const own = readers.get(y) ?? [];
      const roundings = own.filter(isRounding);
      const [first] = roundings;
      const roundTo = first !== undefined && roundings.every((one) => one.attrs.to === first.attrs.to);
      const rounded = roundTo ? roundings : [];
      for (const one of rounded) {
        gone.add(one);
        if (one !== rounded[0]) values.set(one.outputs[0]!, rounded[0]!.outputs[0]!);
      }
      const isFullRead = results.has(y) || rounded.length < own.length || own.length === 0;
      const outputs = [...(isFullRead ? [y] : []), ...rounded.slice(0, 1).map((one) => one.outputs[0]!)];
      return {
        op: 'RowSoftmax',
        inputs: parts ?? node.inputs,
        outputs,
        attrs: {
          valid: y.shape.at(-1)!,
          ...node.attrs,
          isFull: isFullRead,
          ...(rounded.length > 0 && { roundTo: first!.attrs.to }),
        },
      };
    });
    if (!isChanged) return graph;
    return {
      ...graph,
      nodes: nodes.filter((node) => !gone.has(node)).map((node) => values.node(node)),
      outputs: values.outputs(graph.outputs),
    };
  },
};

function isLastAxis({ attrs, inputs }: GraphNode): boolean {
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
