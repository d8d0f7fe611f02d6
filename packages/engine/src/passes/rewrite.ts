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

/** The number that every element of a node's output is, where the kernel says so. */
export function fillingOf(node: GraphNode | undefined): number | undefined {
  if (node?.op === 'Fill') return node.attrs.value as number;
  if (node?.op === 'ZerosLike') return 0;
  return node?.op === 'OnesLike' ? 1 : undefined;
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

/** What all readers of a value that round it make of it. */
export interface Rounded {
  readonly value: Value;
  readonly to: 'bf16' | 'f16';
  /** Whether nobody reads the numbers as they are. */
  readonly isOnly: boolean;
}

/** Roundings that become a part of what makes their numbers: one output stands for all of them. */
export class TakenRoundings {
  readonly #readers: ReadonlyMap<Value, readonly GraphNode[]>;
  readonly #results: ReadonlySet<Value>;
  readonly #gone = new Set<GraphNode>();
  readonly #values = new Substitution();

  constructor(private readonly graph: Graph) {
    this.#readers = readersOf(graph);
    this.#results = new Set(graph.outputs.values());
  }

  /**
   * Takes the roundings of a value, where they are to one type.
   * @param mayBeBeside whether they are taken, too, where somebody reads the numbers as they are
   */
  take(value: Value, mayBeBeside: boolean): Rounded | undefined {
    const all = this.#readers.get(value) ?? [];
    const own = all.filter(isRounding);
    const [first] = own;
    if (first === undefined || own.some((one) => one.attrs.to !== first.attrs.to)) return undefined;
    const isOnly = own.length === all.length && !this.#results.has(value);
    if (!isOnly && !mayBeBeside) return undefined;
    for (const one of own) {
      this.#gone.add(one);
      if (one !== first) this.#values.set(one.outputs[0]!, first.outputs[0]!);
    }
    return { value: first.outputs[0]!, to: first.attrs.to as Rounded['to'], isOnly };
  }

  /** The graph of these nodes, without what was taken. */
  finish(nodes: readonly GraphNode[]): Graph {
    return {
      ...this.graph,
      nodes: nodes.filter((node) => !this.#gone.has(node)).map((node) => this.#values.node(node)),
      outputs: this.#values.outputs(this.graph.outputs),
    };
  }
}
