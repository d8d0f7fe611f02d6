import type { Graph, GraphNode, Value } from '../ir/graph.ts';
import type { Device } from '../run/program.ts';
import type { freshValues } from './rewrite.ts';

/** Rows that a bias becomes on a card. */
const BIAS_ROWS = 8;

/** Joined weights of a graph: each is made once, whoever reads it. */
export class JoinedWeights {
  readonly nodes: GraphNode[] = [];
  readonly #known = new Map<string, Value>();
  readonly #biases = new Map<string, readonly Value[]>();
  readonly #filled = new Map<string, Value>();

  readonly #idOf: (value: Value) => number;

  constructor(
    graph: Graph,
    private readonly fresh: ReturnType<typeof freshValues>,
    private readonly device: Device,
  ) {
    this.#idOf = roundedIds(graph);
    for (const { op, inputs, attrs, outputs } of graph.nodes)
      if (op === 'Concat') this.#known.set(this.#keyOf(inputs, attrs.axis as number), outputs[0]!);
  }

  #keyOf(parts: readonly Value[], axis: number): string {
    return `${axis} ${parts.map(this.#idOf)}`;
  }

  #add(op: string, inputs: readonly Value[], shape: readonly number[], attrs: GraphNode['attrs']): Value {
    const value = this.fresh({ shape, dtype: 'float32' });
    this.nodes.push({ op, inputs, attrs, outputs: [value] });
    return value;
  }

  /** Whether exactly this one is there already. */
  has(parts: readonly Value[], axis: 0 | 1): boolean {
    return this.#known.has(this.#keyOf(parts, axis));
  }

  /** @param parts matrices, joined along `axis` */
  of(parts: readonly Value[], axis: 0 | 1): Value {
    const key = this.#keyOf(parts, axis);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const size = parts.reduce((sum, { shape }) => sum + shape[axis]!, 0);
    const shape = axis === 0 ? [size, parts[0]!.shape[1]!] : [parts[0]!.shape[0]!, size];
    const value = this.#add('Concat', parts, shape, { axis });
    this.#known.set(key, value);
    return value;
  }

  /**
   * One that is known and is at least `parts`: on a card also one that begins with them and is little longer. There the
   * forward pass's serves both directions, while a CPU packs a copy for each.
   */
  known(parts: readonly Value[], axis: 0 | 1): Value | undefined {
    const key = this.#keyOf(parts, axis);
    const same = this.#known.get(key);
    if (same !== undefined || this.device === 'cpu') return same;
    const size = parts.reduce((sum, { shape }) => sum + shape[axis]!, 0);
    for (const [other, value] of this.#known)
      if (other.startsWith(`${key},`) && value.shape[axis]! - size <= BIAS_ROWS) return value;
    return undefined;
  }

  /**
   * A bias as further rows of a weight (columns, where `axis` is 1), which ones multiply. CUDA may round the operands of
   * products: there it is a sum of numbers of 8 bits each, which no rounding changes. On cards rows of zeros keep the
   * matrix as even as it was.
   */
  bias(value: Value, axis: 0 | 1): readonly Value[] {
    const key = `${axis} ${value.id}`;
    const known = this.#biases.get(key);
    if (known !== undefined) return known;
    const [columns] = value.shape as [number];
    const matrix = (rows: number) => (axis === 0 ? [rows, columns] : [columns, rows]);
    const whole = this.#add('Reshape', [value], matrix(1), { shape: matrix(1) });
    const rows = this.device === 'cuda' ? this.#inTerms(whole) : [whole];
    if (this.device !== 'cpu') rows.push(this.filled(matrix(BIAS_ROWS - rows.length), 0));
    this.#biases.set(key, rows);
    return rows;
  }

  /** A matrix of one number. */
  filled(shape: readonly number[], value: number): Value {
    const key = `${shape} ${value}`;
    const known = this.#filled.get(key) ?? this.#add('Fill', [], shape, { shape, value, dtype: 'float32' });
    this.#filled.set(key, known);
    return known;
  }

  /** Three numbers that sum to each of a matrix, of 8 bits each. */
  #inTerms(whole: Value): Value[] {
    const round = (value: Value) => this.#add('RoundTo', [value], value.shape, { to: 'bf16' });
    const minus = (a: Value, b: Value) => this.#add('Sub', [a, b], a.shape, {});
    const high = round(whole);
    const rest = minus(whole, high);
    const middle = round(rest);
    return [high, middle, minus(rest, middle)];
  }
}

/** A number for each value, the same for all that round one to the same type: each use of a weight does so for itself. */
export function roundedIds(graph: Graph): (value: Value) => number {
  const first = new Map<string, number>();
  const ids = new Map<Value, number>();
  for (const { op, inputs, outputs, attrs } of graph.nodes) {
    if (op !== 'RoundTo' || attrs.use === undefined) continue;
    const key = `${inputs[0]!.id} ${attrs.to}`;
    const id = first.get(key) ?? outputs[0]!.id;
    first.set(key, id);
    ids.set(outputs[0]!, id);
  }
  return (value) => ids.get(value) ?? value.id;
}
