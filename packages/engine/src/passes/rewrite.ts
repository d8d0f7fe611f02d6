/** Helpers that every pass is written with. */
import type { Graph, GraphNode, Value } from '../ir/graph.ts';
import type { LoopBody } from '../ir/loopBody.ts';

/** A named rewriting of a graph. Returns the same object when it changed nothing. */
export interface Pass {
  readonly name: string;
  run(graph: Graph): Graph;
}

/** Which node computes each value. */
export function producers(graph: Graph): Map<Value, GraphNode> {
  const map = new Map<Value, GraphNode>();
  for (const node of graph.nodes) for (const output of node.outputs) map.set(output, node);
  return map;
}

/** The nodes that read each value, once for each time they do. */
export function readersOf(graph: Graph): Map<Value, GraphNode[]> {
  const readers = new Map<Value, GraphNode[]>();
  for (const node of graph.nodes)
    for (const input of node.inputs) {
      const own = readers.get(input);
      if (own === undefined) readers.set(input, [node]);
      else own.push(node);
    }
  return readers;
}

/** How many times each value is read, graph outputs included. */
export function useCounts(graph: Graph): Map<Value, number> {
  const counts = new Map<Value, number>();
  const add = (value: Value) => counts.set(value, (counts.get(value) ?? 0) + 1);
  for (const node of graph.nodes) node.inputs.forEach(add);
  for (const output of graph.outputs.values()) add(output);
  return counts;
}

/** Whether a node rounds to 16 bits what may be rounded elsewhere: each use of a weight rounds for itself. */
export function isRounding({ op, attrs }: GraphNode): boolean {
  return op === 'RoundTo' && attrs.use === undefined;
}

/** Replacement of values by others, followed to the end. */
export class Substitution {
  readonly #map = new Map<Value, Value>();

  get size(): number {
    return this.#map.size;
  }

  set(from: Value, to: Value): void {
    this.#map.set(from, to);
  }

  get(value: Value): Value {
    let at = value;
    for (let next = this.#map.get(at); next !== undefined; next = this.#map.get(at)) at = next;
    return at;
  }

  node(node: GraphNode): GraphNode {
    if (!node.inputs.some((input) => this.#map.has(input))) return node;
    return { ...node, inputs: node.inputs.map((input) => this.get(input)) };
  }

  outputs(outputs: Graph['outputs']): Graph['outputs'] {
    return new Map([...outputs].map(([name, value]) => [name, this.get(value)]));
  }
}

/** Makes values that a graph does not have yet. */
export function freshValues(graph: Graph): (like: Pick<Value, 'shape' | 'dtype'>) => Value {
  let next = 1 + largestId(graph);
  return ({ shape, dtype }) => ({ id: next++, shape, dtype });
}

function largestId(graph: Graph): number {
  let largest = -1;
  const see = ({ id }: Value) => {
    largest = Math.max(largest, id);
  };
  for (const value of [...graph.inputs.values(), ...graph.weights.values(), ...graph.constants.keys()])
    see(value);
  for (const { op, attrs, outputs } of graph.nodes) {
    outputs.forEach(see);
    if (op === 'Loop') largest = Math.max(largest, largestId((attrs.body as LoopBody).graph));
  }
  return largest;
}
