import { type GraphNode, sizeOf, type Value } from '../ir/graph.ts';
import { again } from './again.ts';
import { freshValues, type Pass, producers, readersOf } from './rewrite.ts';

/** What stands between the rows of a pool and the product with a mask. */
const LAYOUT = new Set(['Reshape', 'Slice']);

/**
 * Takes a mask from its pool again where the gradient needs it, and keeps none from the forward to the backward pass:
 * with dropout before every adapter they are a third of what is kept.
 * @param worthBytes masks of fewer stay
 */
export const dropoutMasks = (worthBytes: number): Pass => ({
  name: 'masks taken again',
  run(graph) {
    const made = producers(graph);
    const readers = readersOf(graph);
    const fresh = freshValues(graph);
    /** From the rows to the mask, or nothing where `value` is none. */
    const chainTo = (value: Value): readonly GraphNode[] | undefined => {
      const node = made.get(value);
      if (node === undefined) return undefined;
      if (node.op === 'GatherV2') return graph.constants.has(node.inputs[0]!) ? [node] : undefined;
      const before = LAYOUT.has(node.op) ? chainTo(node.inputs[0]!) : undefined;
      return before && [...before, node];
    };
    const before = new Map<GraphNode, readonly GraphNode[]>();
    const changed = new Map<GraphNode, GraphNode>();
    for (const [value, all] of readers) {
      const products = all.filter(({ op }) => op === 'Multiply');
      if (products.length < 2 || 4 * sizeOf(value.shape) < worthBytes) continue;
      const chain = chainTo(value);
      if (chain === undefined) continue;
      for (const reader of products.slice(1)) {
        const { nodes, of } = again(chain, fresh);
        const mask = of(chain.at(-1)!.outputs[0]!);
        before.set(reader, nodes);
        changed.set(reader, {
          ...reader,
          inputs: reader.inputs.map((input) => (input === value ? mask : input)),
        });
      }
    }
    if (changed.size === 0) return graph;
    const nodes = graph.nodes.flatMap((node) => [...(before.get(node) ?? []), changed.get(node) ?? node]);
    return { ...graph, nodes };
  },
});
