/**
 * Matrix products in 16 bits: their operands are rounded, their sums stay in float32, and so does everything else -
 * norms, softmax, losses, rotations. Where an executor multiplies 16-bit numbers it computes this; the CPU rounds and
 * then multiplies in float32.
 */
import type { Graph, GraphNode, Value } from '../ir/graph.ts';
import { LoopBody } from '../ir/loopBody.ts';
import type { WeightSource } from '../weights/source.ts';
import { freshValues } from './rewrite.ts';

/** Type that operands of matrix products are rounded to; "f32" leaves them. */
export type Precision = 'f32' | 'bf16' | 'f16';

const PRODUCTS = new Set(['BatchMatMul', '_FusedMatMul']);
/** Kernels whose output has no numbers but their inputs' own. */
const LAYOUT = new Set([
  'Concat',
  'ExpandDims',
  'GatherV2',
  'Identity',
  'Pack',
  'Reshape',
  'Reverse',
  'Slice',
  'SplitV',
  'Tile',
  'Transpose',
  'Unpack',
]);
const STORED = { bf16: 'BF16', f16: 'F16' } as const;

/** What is known of a graph's values. */
interface Known {
  /** Are numbers of the 16-bit type already. */
  readonly exact: Set<Value>;
  /** Made of weights and constants alone. */
  readonly frozen: Set<Value>;
  /** Made of parameters, weights and constants alone. */
  readonly common: Set<Value>;
}

/**
 * @param graph as traced: no bias is part of a product yet
 * @param parameters names of the inputs that are trained
 */
export function withPrecision(
  graph: Graph,
  precision: Precision,
  weights: ReadonlyMap<string, WeightSource>,
  parameters: readonly string[],
): Graph {
  if (precision === 'f32') return graph;
  const stored = [...graph.weights].flatMap(([name, value]) => {
    const source = weights.get(name)!;
    return source.kind === 'file' && source.dtype === STORED[precision] ? [value] : [];
  });
  const trained = parameters.flatMap((name) => graph.inputs.get(name) ?? []);
  const frozen = new Set([...graph.weights.values(), ...graph.constants.keys()]);
  const known = { exact: new Set(stored), frozen, common: new Set([...frozen, ...trained]) };
  return rounded(graph, precision, known, freshValues(graph));
}

type Fresh = ReturnType<typeof freshValues>;

function rounded(graph: Graph, to: 'bf16' | 'f16', known: Known, fresh: Fresh): Graph {
  const { exact, common, frozen } = known;
  const nodes: GraphNode[] = [];
  const roundings = new Map<Value, Value>();
  let uses = 0;
  /** Each use of a weight rounds for itself: one copy for all would stay from the first to the last. */
  const roundAgain = (value: Value): Value => {
    const done = fresh(value);
    nodes.push({ op: 'RoundTo', inputs: [value], attrs: { to, use: uses++ }, outputs: [done] });
    return done;
  };
  const round = (value: Value): Value => {
    if (exact.has(value)) return value;
    if (frozen.has(value)) return roundAgain(value);
    const done = roundings.get(value) ?? fresh(value);
    if (!roundings.has(value)) {
      nodes.push({ op: 'RoundTo', inputs: [value], attrs: { to }, outputs: [done] });
      roundings.set(value, done);
    }
    return done;
  };
  for (const node of graph.nodes) {
    const isFrozen = node.inputs.every((input) => frozen.has(input));
    const isCommon = node.inputs.every((input) => common.has(input));
    const isExact = LAYOUT.has(node.op) && numbersOf(node).every((input) => exact.has(input));
    for (const output of node.outputs) {
      if (isFrozen) frozen.add(output);
      if (isCommon) common.add(output);
      if (isExact) exact.add(output);
    }
    if (node.op === 'Loop') nodes.push(roundedLoop(node, to, known, fresh));
    else if (PRODUCTS.has(node.op) && !staysWide(node, common)) {
      const [a, b, ...rest] = node.inputs as [Value, Value, ...Value[]];
      nodes.push({
        ...node,
        inputs: [round(a), round(b), ...rest],
        attrs: { ...node.attrs, operands: to },
      });
    } else nodes.push(node);
  }
  return { ...graph, nodes };
}

/** Without indices. */
function numbersOf({ op, inputs }: GraphNode): readonly Value[] {
  return op === 'GatherV2' ? inputs.slice(0, 1) : inputs;
}

/**
 * Products between parameters are few and exact to float32: an adapter's small square matrices, their inverse or
 * series. So are those of their gradients, which are a square matrix of the same size times such a one.
 */
function staysWide({ inputs }: GraphNode, common: ReadonlySet<Value>): boolean {
  const [a, b] = inputs as [Value, Value];
  const sizes = [...a.shape.slice(-2), ...b.shape.slice(-2)];
  const areSquare = sizes.every((size) => size === sizes[0]);
  return (common.has(a) && common.has(b)) || (areSquare && (common.has(a) || common.has(b)));
}

function roundedLoop(node: GraphNode, to: 'bf16' | 'f16', known: Known, fresh: Fresh): GraphNode {
  const { graph } = node.attrs.body as LoopBody;
  const states = node.outputs.length;
  const captured = [...graph.inputs.values()].slice(1 + states);
  const inside = (values: ReadonlySet<Value>) =>
    new Set(captured.filter((_, i) => values.has(node.inputs[1 + states + i]!)));
  const { exact, frozen, common } = known;
  const inner = { exact: inside(exact), frozen: inside(frozen), common: inside(common) };
  const body = new LoopBody(rounded(graph, to, inner, fresh));
  return { ...node, attrs: { ...node.attrs, body } };
}
