/**
 * The order in which a session executes. ONNX Runtime takes none from the model: it walks back from the nodes that
 * nobody reads, depth first, and at each node computes the input first whose node stands later in the model. A model
 * written backwards is therefore executed as nearly in order as such a walk allows. What the walk would put off -
 * a parameter's gradient waits for the end, and with it the activations it is made of - gets an anchor: a node of no
 * cost that reads it and that nobody reads, from which the walk starts in its turn.
 */
import { bytesOf, type Graph, type GraphNode, type Value } from '../ir/graph.ts';
import { producers } from '../passes/rewrite.ts';
import { peak } from './peak.ts';
import { storageOf } from './storage.ts';

export interface ExecutionPlan {
  /** The graph's nodes as the session will run them. */
  readonly order: readonly GraphNode[];
  /** Nodes whose first output has an anchor. */
  readonly anchored: ReadonlySet<GraphNode>;
}

/** What reads less may wait: an anchor is a node, too. */
const WORTH_BYTES = 16 * 1024;
/** By how many places a node must be late to get an anchor: tried in turn, until the memory is near enough. */
const LATE = [256, 128, 64, 32, 16, 8, 0];
/** How many places make no difference. */
const CLOSE = 16;
/** How much more memory at its peak than the graph's own order would take is not worth an anchor. */
const NEAR_ENOUGH = 1.02;

/** How a session made from `graph` executes, and the anchors that keep it near the graph's own order. */
export function planExecution(graph: Graph): ExecutionPlan {
  const places = new Map(graph.nodes.map((node, i) => [node, i]));
  const enough = NEAR_ENOUGH * peak(graph, graph.nodes).bytes;
  const anchored = new Set<GraphNode>();
  let order = walk(graph, places, anchored);
  if (peak(graph, order).bytes <= enough) return { order, anchored };
  const shrinking = nodesThatShrink(graph);
  for (const most of LATE) {
    const now = new Map(order.map((node, i) => [node, i]));
    for (const node of shrinking) if (now.get(node)! - places.get(node)! > most) anchored.add(node);
    order = walk(graph, places, anchored);
    if (peak(graph, order).bytes <= enough) break;
  }
  const fewer = withoutChains(graph, places, anchored);
  const orderOfFewer = walk(graph, places, fewer);
  const isAsGood = peak(graph, orderOfFewer).bytes <= Math.max(enough, peak(graph, order).bytes);
  return isAsGood ? { order: orderOfFewer, anchored: fewer } : { order, anchored };
}

/** Leaves out anchors on nodes that a reader close by, with an anchor of its own, brings along. */
function withoutChains(
  graph: Graph,
  places: ReadonlyMap<GraphNode, number>,
  anchored: ReadonlySet<GraphNode>,
): Set<GraphNode> {
  const made = producers(graph);
  const fewer = new Set(anchored);
  for (const reader of anchored)
    for (const input of reader.inputs) {
      const node = made.get(input);
      if (node !== undefined && places.get(reader)! - places.get(node)! <= CLOSE) fewer.delete(node);
    }
  return fewer;
}

/** Nodes that read no less than they make: put off, they keep what they read. */
function nodesThatShrink(graph: Graph): GraphNode[] {
  const root = storageOf(graph.nodes);
  const made = producers(graph);
  const sum = (values: Iterable<Value>) => [...values].reduce((bytes, value) => bytes + bytesOf(value), 0);
  return graph.nodes.filter(({ inputs, outputs }) => {
    const read = sum(new Set(inputs.map(root).filter((value) => made.has(value))));
    const isView = root(outputs[0]!) !== outputs[0];
    return !isView && read >= WORTH_BYTES && read >= sum(outputs);
  });
}

/** ONNX Runtime's order for the graph written backwards. */
function walk(
  graph: Graph,
  places: ReadonlyMap<GraphNode, number>,
  anchored: ReadonlySet<GraphNode>,
): GraphNode[] {
  const made = producers(graph);
  const ends = new Set([...graph.outputs.values()].flatMap((value) => made.get(value) ?? []));
  const order: GraphNode[] = [];
  const seen = new Set<GraphNode>();
  const inputsOf = (node: GraphNode) => {
    const found = new Set(node.inputs.flatMap((input) => made.get(input) ?? []));
    // The last one pushed is the first one visited.
    return [...found].sort((a, b) => places.get(b)! - places.get(a)!);
  };
  for (const start of graph.nodes) {
    if (!ends.has(start) && !anchored.has(start)) continue;
    const stack: { node: GraphNode; isLeft: boolean }[] = [{ node: start, isLeft: false }];
    for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
      if (top.isLeft) {
        order.push(top.node);
        continue;
      }
      if (seen.has(top.node)) continue;
      seen.add(top.node);
      stack.push({ node: top.node, isLeft: true });
      for (const node of inputsOf(top.node)) if (!seen.has(node)) stack.push({ node, isLeft: false });
    }
  }
  return order;
}
