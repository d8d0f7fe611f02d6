import { type Graph, type GraphNode, sizeOf, type Value } from '../ir/graph.ts';
import type { LoopBody } from '../ir/loopBody.ts';
import { freshValues, type Pass, producers, readersOf } from './rewrite.ts';

/** What stands between the rows of a pool and the product with a mask. */
const LAYOUT = new Set(['Reshape', 'Slice']);

/** Attribute of nodes that compute once more what the graph has already. */
export const AGAIN = 'again';

/** Whether a graph or a loop in it has such nodes: nobody may then look for equal ones and join them. */
export function takesMasksAgain({ nodes }: Graph): boolean {
  return nodes.some(
    ({ op, attrs }) => AGAIN in attrs || (op === 'Loop' && takesMasksAgain((attrs.body as LoopBody).graph)),
  );
}

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
        const again = copied(chain, fresh);
        before.set(reader, again);
        const mask = again.at(-1)!.outputs[0]!;
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

function copied(chain: readonly GraphNode[], fresh: ReturnType<typeof freshValues>): GraphNode[] {
  const copies = new Map<Value, Value>();
  return chain.map((node) => {
    const outputs = node.outputs.map((output) => fresh(output));
    const inputs = node.inputs.map((input) => copies.get(input) ?? input);
    for (const [i, output] of node.outputs.entries()) copies.set(output, outputs[i]!);
    return { ...node, inputs, outputs, attrs: { ...node.attrs, [AGAIN]: true } };
  });
}
