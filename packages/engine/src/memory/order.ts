/**
 * The order in which a session executes. ONNX Runtime takes none from the model: it walks back from the nodes that
 * nobody reads, depth first, and at each node computes the input first whose node stands later in the model. A model
 * written backwards is therefore executed as nearly in order as such a walk allows. What the walk would put off -
 * a parameter's gradient waits for the end, and with it the activations it is made of - gets an anchor: a node of no
 * cost that reads it and that nobody reads, from which the walk starts in its turn.
 */
import type { Graph, GraphNode, Value } from '../ir/graph.ts';
import { producers } from '../passes/rewrite.ts';
import { peak } from './peak.ts';
import { bytesOf, storageOf } from './storage.ts';

export interface ExecutionPlan {
  /** The graph's nodes as the session will run them. */
  readonly order: readonly GraphNode[];
  /** Nodes whose first output has an anchor. */
  readonly anchored: ReadonlySet<GraphNode>;
}

/** What gives back less may wait: an anchor is a node, too. */
const WORTH_BYTES = 16 * 1024;
/**
 * A value read no sooner than this many nodes later is anchored even where the simulated walk is in time: ONNX
 * Runtime's own fusions move nodes a little.
 */
const FAR = 32;
const MAX_ROUNDS = 8;
/** Anchors that save less than this share of the memory at its peak are left out. */
const WORTH_SHARE = 0.02;

/** How a session made from `graph` executes, and the anchors that keep it near the graph's own order. */
export function planExecution(graph: Graph): ExecutionPlan {
  const places = new Map(graph.nodes.map((node, i) => [node, i]));
  const plain = walk(graph, places, new Set());
  const { releasing, firstUse } = uses(graph);
  const anchored = new Set(
    releasing.filter((node) => (firstUse.get(node.outputs[0]!) ?? 0) - places.get(node)! > FAR),
  );
  let order = walk(graph, places, anchored);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const late = overtaken(order, places);
    const added = releasing.filter((node) => late.has(node) && !anchored.has(node));
    if (added.length === 0) break;
    for (const node of added) anchored.add(node);
    order = walk(graph, places, anchored);
  }
  const saves = peak(graph, order).bytes < (1 - WORTH_SHARE) * peak(graph, plain).bytes;
  return saves ? { order, anchored } : { order: plain, anchored: new Set() };
}

/** Nodes that give back at least the memory they take, and where each value is first read. */
function uses(graph: Graph): { releasing: GraphNode[]; firstUse: Map<Value, number> } {
  const root = storageOf(graph.nodes);
  const made = producers(graph);
  const kept = new Set([...graph.outputs.values()].map(root));
  const firstUse = new Map<Value, number>();
  const lastUse = new Map<Value, number>();
  graph.nodes.forEach((node, i) => {
    for (const input of node.inputs) {
      const value = root(input);
      if (root(node.outputs[0]!) === value) continue;
      lastUse.set(value, i);
      if (!firstUse.has(value)) firstUse.set(value, i);
    }
  });
  const given = graph.nodes.map(() => 0);
  for (const [value, i] of lastUse) if (made.has(value) && !kept.has(value)) given[i]! += bytesOf(value);
  const releasing = graph.nodes.filter((node, i) => {
    const taken = node.outputs.reduce((sum, value) => sum + (root(value) === value ? bytesOf(value) : 0), 0);
    return given[i]! >= WORTH_BYTES && given[i]! >= taken;
  });
  return { releasing, firstUse };
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

/** Nodes that run after one that stands later in the graph. */
function overtaken(order: readonly GraphNode[], places: ReadonlyMap<GraphNode, number>): Set<GraphNode> {
  const late = new Set<GraphNode>();
  let furthest = -1;
  for (const node of order) {
    const place = places.get(node)!;
    if (place < furthest) late.add(node);
    else furthest = place;
  }
  return late;
}
