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

  constructor(
    graph: Graph,
    private readonly fresh: ReturnType<typeof freshValues>,
    private readonly device: Device,
  ) {
    for (const { op, inputs, attrs, outputs } of graph.nodes)
      if (op === 'Concat') this.#known.set(keyOf(inputs, attrs.axis as number), outputs[0]!);
  }

  #add(op: string, inputs: readonly Value[], shape: readonly number[], attrs: GraphNode['attrs']): Value {
    const value = this.fresh({ shape, dtype: 'float32' });
    this.nodes.push({ op, inputs, attrs, outputs: [value] });
    return value;
  }

  /** @param parts matrices, joined along `axis` */
  of(parts: readonly Value[], axis: 0 | 1): Value {
    const key = keyOf(parts, axis);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const size = parts.reduce((sum, { shape }) => sum + shape[axis]!, 0);
    const shape = axis === 0 ? [size, parts[0]!.shape[1]!] : [parts[0]!.shape[0]!, size];
    const value = this.#add('Concat', parts, shape, { axis });
    this.#known.set(key, value);
    return value;
  }

  /**
   * As {@link of}; on a card also a joined one that is known, begins with `parts` and is little longer: there the forward
   * pass's serves both directions, while a CPU packs a copy for each.
   */
  atLeast(parts: readonly Value[], axis: 0 | 1): Value {
    if (this.device === 'cpu') return this.of(parts, axis);
    const start = `${keyOf(parts, axis)},`;
    const size = parts.reduce((sum, { shape }) => sum + shape[axis]!, 0);
    for (const [key, value] of this.#known)
      if (key.startsWith(start) && value.shape[axis]! - size <= BIAS_ROWS) return value;
    return this.of(parts, axis);
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

const keyOf = (parts: readonly Value[], axis: number): string => `${axis} ${parts.map(({ id }) => id)}`;
