/** The body of a `Loop` node: a graph of its own that reads nothing but its inputs. */
import type { Graph, GraphNode, TypedArray, Value } from './graph.ts';

let made = 0;

/** What a `Loop` node does at each step. */
export class LoopBody {
  readonly #id = made++;

  /**
   * @param graph inputs: the step, the state, then what is read from outside, in the order of the node's inputs;
   *   outputs: whether to stop, then the next state. No weights and no constants: those come from outside too.
   */
  constructor(readonly graph: Graph) {}

  /** Attributes are compared and printed as JSON; no two bodies are the same. */
  toJSON(): string {
    return `loop body ${this.#id}`;
  }
}

/** What a body reads, and what it defines, as it was recorded. */
export interface RecordedBody {
  readonly step: Value;
  readonly state: readonly Value[];
  readonly nodes: readonly GraphNode[];
  readonly isDone: Value;
  readonly next: readonly Value[];
}

/**
 * Makes a recorded body read its surroundings through inputs.
 * @param fresh makes the inputs' values
 * @returns the body, and the values outside that it reads
 */
export function closeBody(
  { step, state, nodes, isDone, next }: RecordedBody,
  fresh: (like: Value) => Value,
): { body: LoopBody; captured: Value[] } {
  const own = new Set<Value>([step, ...state, ...nodes.flatMap(({ outputs }) => outputs)]);
  const inside = new Map<Value, Value>();
  const enter = (value: Value): Value => {
    if (own.has(value)) return value;
    const known = inside.get(value) ?? fresh(value);
    inside.set(value, known);
    return known;
  };
  const closed = nodes.map((node) => ({ ...node, inputs: node.inputs.map(enter) }));
  const outputs = new Map<string, Value>([
    ['isDone', enter(isDone)],
    ...next.map((value, i): [string, Value] => [`state${i}`, enter(value)]),
  ]);
  const inputs = new Map<string, Value>([
    ['step', step],
    ...state.map((value, i): [string, Value] => [`state${i}`, value]),
    ...[...inside.values()].map((value, i): [string, Value] => [`captured${i}`, value]),
  ]);
  const none = new Map<Value, TypedArray>();
  const graph: Graph = { inputs, weights: new Map(), constants: none, nodes: closed, outputs };
  return { body: new LoopBody(graph), captured: [...inside.keys()] };
}
