import type { GraphNode, Value } from '../ir/graph.ts';
import { isReshape } from '../kernels/layout.ts';
import { type InputOrigins, originsOf } from './origins.ts';
import { type Pass, producers, readersOf, Substitution } from './rewrite.ts';

/**
 * A constant factor on an operand of matrix products, or on their result, becomes a factor of the products, which costs
 * nothing: the 1/sqrt(d) of attention and what it makes of the gradients. Products with weights, or with what is
 * made of them, keep out: those that are stored in fewer bits take no factor.
 */
export const scales = (inputs: InputOrigins): Pass => ({
  name: 'scales',
  run(graph) {
    const made = producers(graph);
    const readers = readersOf(graph);
    const { frozen } = originsOf(graph, inputs);
    const kept = new Set(graph.outputs.values());
    const factors = new Map<GraphNode, number>();
    const replaced = new Substitution();
    const dropped = new Set<GraphNode>();
    const scale = (products: Iterable<GraphNode>, factor: number) => {
      for (const node of products) factors.set(node, factor * (factors.get(node) ?? 1));
    };
    const isProduct = (node: GraphNode) =>
      node.op === 'BatchMatMul' && !node.inputs.some((input) => frozen.has(input));

    /** Products that read `value`, perhaps moved; undefined where anything else does. */
    const readingProducts = (value: Value): GraphNode[] | undefined => {
      if (kept.has(value)) return undefined;
      const products: GraphNode[] = [];
      for (const node of readers.get(value) ?? []) {
        const more = isProduct(node)
          ? node.inputs[0] === node.inputs[1]
            ? undefined
            : [node]
          : moves(node)
            ? readingProducts(node.outputs[0]!)
            : undefined;
        if (more === undefined) return undefined;
        products.push(...more);
      }
      return products;
    };
    /** Products whose sum, perhaps moved, `value` is, all read for this alone; undefined where it is anything else. */
    const summedProducts = (value: Value): GraphNode[] | undefined => {
      const node = made.get(value);
      if (node === undefined || kept.has(value) || readers.get(value)?.length !== 1) return undefined;
      if (isProduct(node)) return [node];
      if (!moves(node) && node.op !== 'Add') return undefined;
      const all = node.inputs.map(summedProducts);
      return all.some((one) => one === undefined) ? undefined : all.flatMap((one) => one!);
    };

    for (const node of graph.nodes) {
      if (node.op !== 'Multiply') continue;
      const [a, b] = node.inputs as [Value, Value];
      for (const [x, constant] of [
        [a, b],
        [b, a],
      ] as const) {
        const factor = graph.constants.get(constant);
        if (factor?.length !== 1 || String(x.shape) !== String(node.outputs[0]!.shape)) continue;
        const products = summedProducts(x) ?? readingProducts(node.outputs[0]!);
        if (products === undefined || products.length === 0) continue;
        scale(products, factor[0]!);
        replaced.set(node.outputs[0]!, x);
        dropped.add(node);
        break;
      }
    }
    if (dropped.size === 0) return graph;
    const nodes = graph.nodes
      .filter((node) => !dropped.has(node))
      .map((node) => {
        const factor = factors.get(node);
        const own = replaced.node(node);
        if (factor === undefined) return own;
        return {
          ...own,
          attrs: { ...own.attrs, alpha: factor * ((own.attrs.alpha as number | undefined) ?? 1) },
        };
      });
    return { ...graph, nodes, outputs: replaced.outputs(graph.outputs) };
  },
});

/** Whether a node's output is its input's numbers elsewhere, or rounded. */
function moves({ op }: GraphNode): boolean {
  return isReshape(op) || op === 'Transpose' || op === 'RoundTo';
}
