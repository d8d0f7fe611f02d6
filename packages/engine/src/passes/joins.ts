/**
 * Products with frozen matrices that become one. A base layer and its adapter, or the projections of one input, are
 * several products with weights that never change: side by side they are one product with one larger weight, which is
 * put together when a session is made.
 */
import { type Graph, type GraphNode, sizeOf, type Value } from '../ir/graph.ts';
import type { Device } from '../run/program.ts';
import type { WeightSource } from '../weights/source.ts';
import { JoinedWeights, roundedIds } from './joinedWeights.ts';
import { type InputOrigins, type Origins, originsOf } from './origins.ts';
import type { Precision } from './precision.ts';
import { freshValues, type Pass, producers, readersOf } from './rewrite.ts';

type Fresh = ReturnType<typeof freshValues>;

/**
 * Weights of more bytes are not joined on a CPU: there they lie in mapped files, and a joined one is a copy. On a card each is
 * laid out once.
 */
const MOST_BYTES = 1e9;

/** Whether the weights are so many that a second layout of them is too much. */
export function areLarge(graph: Graph): boolean {
  let bytes = 0;
  for (const { shape } of graph.weights.values()) bytes += 4 * sizeOf(shape);
  return bytes > MOST_BYTES;
}

/**
 * Weights of which no joined copy may be made; undefined where none may be made of any.
 * @param isOnCard whether weights are copied to a device anyway
 * @param staysInPlace whether weights in 16 bits are to be left where they lie
 */
export function unjoinable(
  graph: Graph,
  weights: ReadonlyMap<string, WeightSource>,
  precision: Precision,
  isOnCard: boolean,
  staysInPlace: boolean,
): Set<Value> | undefined {
  const excluded = new Set<Value>();
  for (const [name, value] of graph.weights) {
    const source = weights.get(name);
    if (source === undefined) continue;
    const stored = source.kind === 'file' ? source.dtype : 'F32';
    const isKept = stored !== 'F32' && (isOnCard ? stored !== precision.toUpperCase() : staysInPlace);
    if (source.kind === 'quantized' || isKept) excluded.add(value);
  }
  return areLarge(graph) && !isOnCard ? undefined : excluded;
}

/** A product with a frozen matrix, [rows, k] times [k, columns]. */
interface FrozenProduct {
  readonly node: GraphNode;
  readonly left: Value;
  readonly right: Value;
  readonly transposeB: boolean;
  /** Of the right one: the same for each of its roundings. */
  readonly id: number;
}

/** What of a graph may be joined. */
interface Joinable {
  readonly frozen: ReadonlySet<Value>;
  product(node: GraphNode | undefined): FrozenProduct | undefined;
}

/** @param excluded weights that must stay as they are stored */
function joinable(graph: Graph, { frozen, kept }: Origins): Joinable {
  const idOf = roundedIds(graph);
  return {
    frozen,
    product(node) {
      if (node?.op !== 'BatchMatMul' || node.attrs.transposeA === true || node.attrs.alpha !== undefined)
        return;
      const [left, right] = node.inputs as [Value, Value];
      const isPlain = left.shape.length === 2 && right.shape.length === 2;
      if (!isPlain || frozen.has(left) || !frozen.has(right) || kept.has(right)) return;
      return { node, left, right, transposeB: node.attrs.transposeB === true, id: idOf(right) };
    },
  };
}

/** What is made of weights alone, joined weights after it, then everything else. */
function withWeights(
  graph: Graph,
  nodes: readonly GraphNode[],
  frozen: ReadonlySet<Value>,
  joined: JoinedWeights,
): Graph {
  const isFrozen = ({ inputs }: GraphNode) => inputs.length > 0 && inputs.every((input) => frozen.has(input));
  const first = nodes.filter(isFrozen);
  return { ...graph, nodes: [...first, ...joined.nodes, ...nodes.filter((node) => !isFrozen(node))] };
}

/**
 * x₁ W₁ + x₂ W₂ + ... as [x₁ x₂ ...] times W₁, W₂, ... below one another, where copying the factors moves less than
 * writing and adding the terms does. A bias is one more row, times 1: a product that has one is begun by copying it to
 * every row of the result.
 */
function joinSums(inputs: InputOrigins, device: Device, which: Which = 'all'): Pass {
  return {
    name: 'sums of products',
    run(graph) {
      const made = producers(graph);
      const readers = readersOf(graph);
      const kept = new Set(graph.outputs.values());
      const origins = originsOf(graph, inputs);
      const can = joinable(graph, origins);
      const fresh = freshValues(graph);
      const joined = new JoinedWeights(graph, fresh, device);
      const isInner = (value: Value) => readers.get(value)?.length === 1 && !kept.has(value);
      const dropped = new Set<GraphNode>();
      const replaced = new Map<GraphNode, readonly GraphNode[]>();

      /** Leaves of the tree of sums below `value`, the nodes of the tree with them. */
      const leavesOf = (value: Value, shape: Value['shape'], nodes: GraphNode[]): Value[] => {
        const node = made.get(value);
        if (node?.op !== 'Add' || String(node.outputs[0]!.shape) !== String(shape)) return [value];
        nodes.push(node);
        return node.inputs.flatMap((input) => (isInner(input) ? leavesOf(input, shape, nodes) : [input]));
      };

      // From the end: the root of a tree comes before its parts.
      for (const root of graph.nodes.toReversed()) {
        if (root.op !== 'Add' || dropped.has(root) || root.outputs[0]!.shape.length !== 2) continue;
        const tree: GraphNode[] = [];
        const leaves = leavesOf(root.outputs[0]!, root.outputs[0]!.shape, tree);
        const products = leaves.flatMap((leaf) => {
          const product = isInner(leaf) ? can.product(made.get(leaf)) : undefined;
          return product === undefined ? [] : [product];
        });
        const terms = worthJoining(products) ?? thinWithBias(products, leaves, origins);
        if (terms === undefined || !isWanted(terms, which, joined)) continue;
        for (const node of tree) dropped.add(node);
        for (const { node } of terms) dropped.add(node);
        const taken = new Set(terms.map(({ node }) => node.outputs[0]!));
        const bias = leaves.find((leaf) => isBiasOf(terms[0]!, leaf, origins));
        const { nodes, value } = joinedSum(terms, bias, fresh, joined);
        // Another bias comes first, where it becomes part of the product.
        const rest = leaves
          .filter((leaf) => !taken.has(leaf) && leaf !== bias)
          .sort((a, b) => a.shape.length - b.shape.length);
        const sums: GraphNode[] = [];
        let sum = value;
        for (const [i, leaf] of rest.entries()) {
          const y = i === rest.length - 1 ? root.outputs[0]! : fresh(root.outputs[0]!);
          sums.push({ op: 'Add', inputs: [sum, leaf], attrs: {}, outputs: [y] });
          sum = y;
        }
        const named = nodes.map((node) =>
          rest.length === 0 && node.outputs[0] === value ? { ...node, outputs: root.outputs } : node,
        );
        replaced.set(root, [...named, ...sums]);
      }
      if (replaced.size === 0) return graph;
      const nodes = graph.nodes.flatMap((node) => replaced.get(node) ?? (dropped.has(node) ? [] : [node]));
      return withWeights(graph, nodes, can.frozen, joined);
    },
  };
}

/** Which sums are joined: those of the forward pass, where weights are read transposed, or those whose weight is there. */
type Which = 'all' | 'forward' | 'known';

function isWanted(terms: readonly FrozenProduct[], which: Which, joined: JoinedWeights): boolean {
  const { transposeB } = terms[0]!;
  if (which === 'known') {
    const parts = terms.map(({ right }) => right);
    return joined.has(parts, transposeB ? 1 : 0);
  }
  return which === 'all' || transposeB;
}

/** The terms of one kind that pay, if any do: those that are read the same way. */
function worthJoining(products: readonly FrozenProduct[]): readonly FrozenProduct[] | undefined {
  for (const terms of grouped(products, ({ node, transposeB }) => `${transposeB} ${node.attrs.operands}`)) {
    if (terms.length < 2) continue;
    const columns = terms[0]!.node.outputs[0]!.shape[1]!;
    const width = terms.reduce((sum, { left }) => sum + left.shape[1]!, 0);
    // Elements moved a row. Apart: each term is written, and each sum reads two and writes one. Joined: a copy.
    if (2 * width < 4 * (terms.length - 1) * columns) return terms;
  }
  return undefined;
}

/** A term with a short factor to which a bias can be given, where there is a pass over the result less by it. */
function thinWithBias(
  products: readonly FrozenProduct[],
  leaves: readonly Value[],
  origins: Origins,
): readonly FrozenProduct[] | undefined {
  // Of two leaves, the bias becomes part of the product as it is.
  if (leaves.length < 3) return undefined;
  const thin = products.find((product) => {
    const [, columns] = product.node.outputs[0]!.shape as [number, number];
    return 8 * product.left.shape[1]! <= columns && leaves.some((leaf) => isBiasOf(product, leaf, origins));
  });
  return thin && [thin];
}

/** Whether a term is a frozen bias, and operands are not rounded, or it would be. */
function isBiasOf({ node }: FrozenProduct, value: Value, { frozen, kept }: Origins): boolean {
  const { shape, dtype } = value;
  const fits = shape.length === 1 && shape[0] === node.outputs[0]!.shape[1] && dtype === 'float32';
  return fits && node.attrs.operands === undefined && frozen.has(value) && !kept.has(value);
}

function joinedSum(
  terms: readonly FrozenProduct[],
  bias: Value | undefined,
  fresh: Fresh,
  joined: JoinedWeights,
): { nodes: GraphNode[]; value: Value } {
  const { node, transposeB } = terms[0]!;
  const axis = transposeB ? 1 : 0;
  const [rows] = node.outputs[0]!.shape as [number];
  const biasRows = bias === undefined ? [] : joined.bias(bias, axis);
  const width = biasRows.reduce((sum, { shape }) => sum + shape[axis]!, 0);
  const ones = bias === undefined ? [] : [joined.filled([rows, width], 1)];
  const lefts = [...terms.map(({ left }) => left), ...ones];
  const columns = lefts.reduce((sum, { shape }) => sum + shape[1]!, 0);
  const x = fresh({ shape: [rows, columns], dtype: 'float32' });
  const value = fresh(node.outputs[0]!);
  const weight = joined.of([...terms.map(({ right }) => right), ...biasRows], axis);
  return {
    value,
    nodes: [
      { op: 'Concat', inputs: lefts, attrs: { axis: 1 }, outputs: [x] },
      { ...node, inputs: [x, weight], outputs: [value] },
    ],
  };
}

/** x W₁, x W₂, ... as one product that is split, where splitting moves less than reading x anew for each does. */
function joinSiblings(inputs: InputOrigins, device: Device, isThrifty: boolean): Pass {
  return {
    name: 'products of one input',
    run(graph) {
      const can = joinable(graph, originsOf(graph, inputs));
      const fresh = freshValues(graph);
      const joined = new JoinedWeights(graph, fresh, device);
      const products = graph.nodes.flatMap((node) => can.product(node) ?? []);
      const places = new Map(graph.nodes.map((node, i) => [node, i]));
      const replaced = new Map<GraphNode, readonly GraphNode[]>();
      const dropped = new Set<GraphNode>();
      const key = ({ left, node, transposeB }: FrozenProduct) =>
        `${left.id} ${transposeB} ${node.attrs.operands}`;
      for (const siblings of grouped(products, key)) {
        const first = siblings.reduce((a, b) => (places.get(a.node)! < places.get(b.node)! ? a : b));
        const sizes = siblings.map(({ node }) => node.outputs[0]!.shape[1]!);
        const columns = sizes.reduce((sum, size) => sum + size, 0);
        const [rows, width] = first.left.shape as [number, number];
        const parts = siblings.map(({ right }) => right);
        const axis = first.transposeB ? 0 : 1;
        // One that the forward pass has anyway stands for its parts, which nobody needs then.
        const known = joined.known(parts, axis);
        const isThere = isThrifty && siblings.length > 1 && known !== undefined;
        if (2 * columns >= (siblings.length - 1) * width && !isThere) continue;
        const weight = known ?? joined.of(parts, axis);
        const size = weight.shape[axis]!;
        const all = fresh({ shape: [rows, size], dtype: 'float32' });
        const unread = size - columns;
        const outputs = siblings.map(({ node }) => node.outputs[0]!);
        if (unread > 0) {
          sizes.push(unread);
          outputs.push(fresh({ shape: [rows, unread], dtype: 'float32' }));
        }
        for (const { node } of siblings) dropped.add(node);
        replaced.set(first.node, [
          { ...first.node, inputs: [first.left, weight], outputs: [all] },
          { op: 'SplitV', inputs: [all], attrs: { numOrSizeSplits: sizes, axis: 1 }, outputs },
        ]);
      }
      if (replaced.size === 0) return graph;
      const nodes = graph.nodes.flatMap((node) => replaced.get(node) ?? (dropped.has(node) ? [] : [node]));
      return withWeights(graph, nodes, can.frozen, joined);
    },
  };
}

/**
 * Both, one after the other.
 * @param isThrifty each weight is laid out once, for both directions: as the forward pass wants it
 */
export const joins = (inputs: InputOrigins, device: Device, isThrifty: boolean): readonly Pass[] =>
  isThrifty
    ? [
        joinSums(inputs, device, 'forward'),
        joinSiblings(inputs, device, true),
        joinSums(inputs, device, 'known'),
      ]
    : [joinSums(inputs, device), joinSiblings(inputs, device, false)];

/** Products that agree in `key`, in the order of their weights: sums and siblings then make the same joined ones. */
function grouped(
  products: readonly FrozenProduct[],
  key: (product: FrozenProduct) => string,
): FrozenProduct[][] {
  const groups = new Map<string, FrozenProduct[]>();
  for (const one of products) groups.set(key(one), [...(groups.get(key(one)) ?? []), one]);
  return [...groups.values()].map((group) => group.sort((a, b) => a.id - b.id));
}
