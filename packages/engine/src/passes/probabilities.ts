import { type GraphNode, sizeOf, type Value } from '../ir/graph.ts';
import { again } from './again.ts';
import { freshValues, type Pass, producers, readersOf } from './rewrite.ts';

/** What stands between the probabilities and those who compute with them. */
const LAYOUT = new Set(['Reshape', 'RoundTo']);
/** What makes scores of a product; the other operand is a mask, or a number. */
const POINTWISE = new Set(['Add', 'Multiply', 'Reshape']);
/** Readers of fewer places apart are side by side: nothing is kept for long. */
const FAR = 48;

/**
 * Computes attention's probabilities again where the gradient needs them, from queries and keys that are kept anyway:
 * they are the largest of what a layer keeps, and cost one product and one softmax (Dao et al. 2022, section 3.1).
 * @param worthBytes probabilities of fewer stay
 */
export const probabilities = (worthBytes: number): Pass => ({
  name: 'probabilities taken again',
  run(graph) {
    const made = producers(graph);
    const readers = readersOf(graph);
    const places = new Map(graph.nodes.map((node, i) => [node, i]));
    const fresh = freshValues(graph);
    const before = new Map<GraphNode, GraphNode[]>();
    const changed = new Map<GraphNode, GraphNode>();
    for (const softmax of graph.nodes) {
      if (softmax.op !== 'Softmax' || 4 * sizeOf(softmax.outputs[0]!.shape) < worthBytes) continue;
      const chain = chainOf(softmax, made);
      if (chain === undefined) continue;
      const uses = usesOf(softmax.outputs[0]!, readers).sort(
        (a, b) => places.get(a.reader)! - places.get(b.reader)!,
      );
      const first = uses[0];
      const late = uses.filter(({ reader }) => places.get(reader)! - places.get(first!.reader)! > FAR);
      if (late.length === 0) continue;
      const { nodes, of } = again([...new Set([...chain, ...late.flatMap(({ path }) => path)])], fresh);
      const start = late[0]!.reader;
      before.set(start, [...(before.get(start) ?? []), ...nodes]);
      for (const { reader } of late) {
        const node = changed.get(reader) ?? reader;
        changed.set(reader, { ...node, inputs: node.inputs.map(of) });
      }
    }
    if (changed.size === 0) return graph;
    const nodes = graph.nodes.flatMap((node) => [...(before.get(node) ?? []), changed.get(node) ?? node]);
    return { ...graph, nodes };
  },
});

/** From the product of queries and keys to the softmax; nothing where several products make the scores. */
function chainOf(softmax: GraphNode, made: ReadonlyMap<Value, GraphNode>): GraphNode[] | undefined {
  const chainTo = (node: GraphNode | undefined): GraphNode[] | undefined => {
    if (node?.op === 'BatchMatMul') return [node];
    if (node === undefined || !POINTWISE.has(node.op)) return undefined;
    return behind(node);
  };
  const behind = (node: GraphNode): GraphNode[] | undefined => {
    const size = sizeOf(node.outputs[0]!.shape);
    const large = node.inputs.filter(({ shape }) => sizeOf(shape) === size);
    const chains = large.flatMap((input) => {
      const chain = chainTo(made.get(input));
      return chain === undefined ? [] : [chain];
    });
    return chains.length === 1 ? [...chains[0]!, node] : undefined;
  };
  return behind(softmax);
}

interface Use {
  readonly reader: GraphNode;
  /** From the value to what the reader reads. */
  readonly path: readonly GraphNode[];
}

function usesOf(value: Value, readers: ReadonlyMap<Value, readonly GraphNode[]>): Use[] {
  return (readers.get(value) ?? []).flatMap((reader): Use[] => {
    if (!LAYOUT.has(reader.op)) return [{ reader, path: [] }];
    return usesOf(reader.outputs[0]!, readers).map((use) => ({ ...use, path: [reader, ...use.path] }));
  });
}
