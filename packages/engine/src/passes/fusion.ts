/** Element-wise computations that hang together become one node each: what is between them never goes to memory. */

import { ELEMENT_EXPRESSIONS } from '../cuda/expressions.ts';
import { MOST_ELEMENTS } from '../cuda/kernelSource.ts';
import { type Graph, type GraphNode, sizeOf, type Value } from '../ir/graph.ts';
import { broadcastIndex, type Operand, Region, type RegionOutput, type Step } from '../ir/region.ts';
import { isReshape } from '../kernels/layout.ts';
import { onceComputed } from './origins.ts';
import { fillingOf, type Pass, producers, readersOf } from './rewrite.ts';

/** Nodes of several passes over memory, worth a kernel of their own. */
const LONG = new Set(['Gelu', 'GeluGrad', 'Swiglu', 'SwigluGrad', 'TokenLossGrad', 'TokenLossSlope']);
/** Kernels of logits and labels, which are of int32 and one a row. */
const LABELLED = new Set(['TokenLossGrad', 'TokenLossSlope']);
/** Kernels take a few KB of arguments, and threads have 255 registers. */
const MOST_STEPS = 48;
const MOST_TENSORS = 40;

interface Group {
  readonly nodes: Set<GraphNode>;
  readonly size: number;
  first: number;
  last: number;
}

/** Rows of a table that stand one after the other, in the shape of a value. */
interface TableRows {
  readonly table: Value;
  readonly rows: Value;
  readonly width: number;
}

export const fusion: Pass = {
  name: 'fusion',
  run(graph) {
    const finder = new Finder(graph);
    const groups = finder.groups();
    return groups.length === 0 ? graph : contracted(graph, groups, finder);
  },
};

class Finder {
  readonly #made: Map<Value, GraphNode>;
  readonly #places: Map<GraphNode, number>;
  readonly #groups = new Map<GraphNode, Group>();

  constructor(readonly graph: Graph) {
    this.#made = producers(graph);
    this.#places = new Map(graph.nodes.map((node, i) => [node, i]));
  }

  groups(): Group[] {
    const frozen = onceComputed(this.graph);
    for (const node of this.graph.nodes)
      if (isElementwise(node) && !frozen.has(node.outputs[0]!)) this.#join(node);
    const all = [...new Set(this.#groups.values())];
    return all.filter(({ nodes }) => {
      const [only] = nodes;
      if (nodes.size > 1 || LONG.has(only!.op)) return true;
      const readsHalf = only!.op !== 'RoundTo' && only!.inputs.some((input) => this.#isHalfProduct(input));
      return readsHalf || only!.inputs.some((input) => this.rowsOf(input, only!));
    });
  }

  /** The number that every element of a value is known to have: of a constant that has one element, or of a filling. */
  constant(value: Value): number | undefined {
    const filling = fillingOf(this.#made.get(this.base(value)));
    if (filling !== undefined) return filling;
    const data = this.graph.constants.get(value);
    return data?.length === 1 ? data[0] : undefined;
  }

  /** The value that `value` is another shape of. */
  base(value: Value): Value {
    const node = this.#made.get(value);
    return node !== undefined && isReshape(node.op) ? this.base(node.inputs[0]!) : value;
  }

  producer(value: Value): GraphNode | undefined {
    return this.#made.get(value);
  }

  /** Whether `value`, of as many elements as `reader` makes, consists of rows of a table: a dropout mask. */
  rowsOf(value: Value, reader: GraphNode): TableRows | undefined {
    const size = sizeOf(value.shape);
    if (size !== sizeOf(reader.outputs[0]!.shape)) return undefined;
    let node = this.#made.get(this.base(value));
    if (node?.op === 'Slice') {
      const isStart = (node.attrs.begin as number[]).every((one) => one === 0);
      if (!isStart || node.inputs[0]!.shape.length !== 1) return undefined;
      node = this.#made.get(this.base(node.inputs[0]!));
    }
    if (node?.op !== 'GatherV2' || node.inputs.length !== 2) return undefined;
    const [table, rows] = node.inputs as [Value, Value];
    const isRows = table.shape.length === 2 && rows.shape.length === 1 && rows.dtype === 'int32';
    if (!isRows || table.dtype !== 'float32' || ((node.attrs.axis as number | undefined) ?? 0) !== 0)
      return undefined;
    return { table, rows, width: table.shape[1]! };
  }

  /** Whether a value is a product of 16-bit numbers: ONNX Runtime's own operators would have to widen it first. */
  #isHalfProduct(value: Value): boolean {
    const node = this.#made.get(this.base(value));
    return node?.op === 'BatchMatMul' && node.attrs.operands !== undefined;
  }

  #join(node: GraphNode): void {
    const place = this.#places.get(node)!;
    const own: Group = {
      nodes: new Set([node]),
      size: sizeOf(node.outputs[0]!.shape),
      first: place,
      last: place,
    };
    const others = new Set(
      node.inputs.flatMap((input) => {
        const made = this.#made.get(this.base(input));
        const group = made && this.#groups.get(made);
        return group?.size === own.size ? [group] : [];
      }),
    );
    let current = own;
    for (const other of others) {
      const joined: Group = {
        nodes: new Set([...other.nodes, ...current.nodes]),
        size: own.size,
        first: Math.min(other.first, current.first),
        last: Math.max(other.last, current.last),
      };
      if (
        joined.nodes.size <= MOST_STEPS &&
        tensorsOf(joined.nodes) <= MOST_TENSORS &&
        !this.#hasDetour(joined)
      )
        current = joined;
    }
    for (const member of current.nodes) this.#groups.set(member, current);
  }

  /** Whether something outside reads what the nodes make and makes what they read: then they cannot be one. */
  #hasDetour({ nodes, first }: Group): boolean {
    const start = this.#startOf(first);
    const seen = new Set<GraphNode | Group>();
    const stack: GraphNode[] = [];
    const enter = (input: Value) => {
      const node = this.#made.get(input);
      if (node !== undefined) stack.push(node);
    };
    for (const { inputs } of nodes)
      for (const input of inputs) {
        const direct = this.#made.get(this.base(input));
        if (direct === undefined || !nodes.has(direct)) enter(input);
      }
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      if (nodes.has(node)) return true;
      const group = this.#groups.get(node);
      const key = group ?? node;
      if ((group?.last ?? this.#places.get(node)!) < start || seen.has(key)) continue;
      seen.add(key);
      for (const { inputs } of group?.nodes ?? [node]) inputs.forEach(enter);
    }
    return false;
  }

  /** The place before which nothing can read what stands from `first` on, not by way of another group either. */
  #startOf(first: number): number {
    let start = first;
    for (let before = Number.NaN; start !== before; ) {
      before = start;
      for (const group of new Set(this.#groups.values()))
        if (group.last >= start && group.first < start) start = group.first;
    }
    return start;
  }
}

function tensorsOf(nodes: ReadonlySet<GraphNode>): number {
  return new Set([...nodes].flatMap(({ inputs, outputs }) => [...inputs, ...outputs])).size;
}

function isElementwise({ op, inputs, outputs }: GraphNode): boolean {
  const size = sizeOf(outputs[0]!.shape);
  return (
    op in ELEMENT_EXPRESSIONS &&
    size > 1 &&
    size <= MOST_ELEMENTS &&
    outputs.every(({ dtype }) => dtype === 'float32') &&
    inputs.every(({ dtype }, i) => dtype === 'float32' || (LABELLED.has(op) && i === 1))
  );
}

/** The graph with a `Fused` node for each group. */
function contracted(graph: Graph, groups: readonly Group[], finder: Finder): Graph {
  const groupOf = new Map<GraphNode, Group>();
  for (const group of groups) for (const node of group.nodes) groupOf.set(node, group);
  const readers = readersOf(graph);
  const results = new Set(graph.outputs.values());
  const fused = new Map(
    groups.map((group) => [group, fusedNode(group, { readers, results, finder, groupOf })]),
  );
  const nodes = graph.nodes.flatMap((node, place) => {
    const group = groupOf.get(node);
    if (group === undefined) return [node];
    return place === group.last ? [fused.get(group)!] : [];
  });
  return { ...graph, nodes: inOrder(nodes) };
}

interface Surroundings {
  readonly readers: ReadonlyMap<Value, readonly GraphNode[]>;
  readonly results: ReadonlySet<Value>;
  readonly finder: Finder;
  readonly groupOf: ReadonlyMap<GraphNode, Group>;
}

function fusedNode(group: Group, { readers, results, finder, groupOf }: Surroundings): GraphNode {
  const ordered = finder.graph.nodes.filter((node) => group.nodes.has(node));
  const places = new Map(ordered.map((node, i) => [node, i]));
  const inputs: Value[] = [];
  const inputAt = (value: Value): number => {
    const known = inputs.indexOf(value);
    return known >= 0 ? known : inputs.push(value) - 1;
  };
  const operandOf = (value: Value, reader: GraphNode): Operand => {
    const constant = finder.constant(value);
    if (constant !== undefined) return { kind: 'constant', value: constant };
    const base = finder.base(value);
    const maker = finder.producer(base);
    const step = maker && places.get(maker);
    if (step !== undefined) return { kind: 'step', step, output: maker!.outputs.indexOf(base) };
    const mask = finder.rowsOf(value, reader);
    if (mask !== undefined)
      return { kind: 'rows', table: inputAt(mask.table), rows: inputAt(mask.rows), width: mask.width };
    const index = broadcastIndex(shapeBeside(value, reader), reader.outputs[0]!.shape);
    return { kind: 'input', input: inputAt(base), index };
  };
  const steps = ordered.map((node): Step => {
    const operands = node.inputs.map((input) => operandOf(input, node));
    return { op: node.op, attrs: node.attrs, operands };
  });
  /** Whether somebody outside reads a value, as it is or in another shape. */
  const isRead = (value: Value): boolean =>
    results.has(value) ||
    (readers.get(value) ?? []).some((reader) =>
      isReshape(reader.op) ? isRead(reader.outputs[0]!) : groupOf.get(reader) !== group,
    );
  const outputs: Value[] = [];
  const described: RegionOutput[] = [];
  ordered.forEach(({ op, attrs, outputs: made }, step) => {
    made.forEach((value, output) => {
      if (!isRead(value)) return;
      outputs.push(value);
      const half = op === 'RoundTo' ? { half: attrs.to as 'bf16' | 'f16' } : {};
      described.push({ step, output, shape: value.shape, ...half });
    });
  });
  return { op: 'Fused', inputs, outputs, attrs: { region: new Region(group.size, steps, described) } };
}

/** A row of labels stands beside the rows of what it labels. */
function shapeBeside({ shape }: Value, { op, inputs }: GraphNode): readonly number[] {
  return LABELLED.has(op) && shape.length === 1 && inputs[1]!.shape === shape ? [...shape, 1] : shape;
}

/** Each node behind what it reads, and otherwise as they stand: a group's readers may stand before its last member. */
function inOrder(nodes: readonly GraphNode[]): GraphNode[] {
  const made = new Map<Value, GraphNode>();
  for (const node of nodes) for (const output of node.outputs) made.set(output, node);
  const done = new Set<GraphNode>();
  const ordered: GraphNode[] = [];
  for (const start of nodes) {
    const stack: { readonly node: GraphNode; isLeft: boolean }[] = [{ node: start, isLeft: false }];
    for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
      const { node, isLeft } = top;
      if (isLeft) ordered.push(node);
      else if (!done.has(node)) {
        done.add(node);
        stack.push({ node, isLeft: true });
        for (const input of node.inputs) {
          const before = made.get(input);
          if (before !== undefined && !done.has(before)) stack.push({ node: before, isLeft: false });
        }
      }
    }
  }
  return ordered;
}
