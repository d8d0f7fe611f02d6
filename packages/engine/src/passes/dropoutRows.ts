import type { GraphNode, Value } from '../ir/graph.ts';
import { type MaskRows, maskAttributes } from '../kernels/dropout.ts';
import { type Pass, Substitution } from './rewrite.ts';

/** Finds the rows of all masks of a step at once: a few nodes, and not some for each mask. */
export const dropoutRows: Pass = {
  name: 'dropout rows',
  run(graph) {
    const groups = new Map<string, GraphNode[]>();
    for (const node of graph.nodes) {
      if (node.op !== 'DropoutRows') continue;
      const key = `${node.inputs[0]!.id} ${maskAttributes(node).poolRows}`;
      groups.set(key, [...(groups.get(key) ?? []), node]);
    }
    const replaced = new Substitution();
    const joined = new Map<GraphNode, GraphNode>();
    const dropped = new Set<GraphNode>();
    for (const [first, ...others] of groups.values()) {
      if (others.length === 0) continue;
      const masks = new Map<string, { readonly mask: MaskRows; readonly value: Value }>();
      for (const node of [first!, ...others])
        maskAttributes(node).masks.forEach((mask, i) => {
          const key = JSON.stringify(mask);
          const value = node.outputs[i]!;
          const known = masks.get(key);
          if (known === undefined) masks.set(key, { mask, value });
          else replaced.set(value, known.value);
        });
      const all = [...masks.values()];
      joined.set(first!, {
        ...first!,
        attrs: { ...first!.attrs, masks: all.map(({ mask }) => mask) },
        outputs: all.map(({ value }) => value),
      });
      for (const node of others) dropped.add(node);
    }
    if (joined.size === 0) return graph;
    const nodes = graph.nodes
      .filter((node) => !dropped.has(node))
      .map((node) => replaced.node(joined.get(node) ?? node));
    return { ...graph, nodes, outputs: replaced.outputs(graph.outputs) };
  },
};
