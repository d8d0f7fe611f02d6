import type { GraphNode, Value } from '../ir/graph.ts';
import { sameShape } from '../ir/graph.ts';
import { isReshape } from '../kernels/layout.ts';
import { freshValues, type Pass, producers, readersOf } from './rewrite.ts';

/**
 * The gradient of y = P V, P = softmax(scores), perhaps under a dropout mask. tfjs has dS = P∘dP - P Σ P∘dP over each row.
 * The sum is that of dy∘y over a row (Dao et al. 2022, "FlashAttention", section 3.1), which is far shorter than a row
 * of P: dS = P∘(dP - Σ dy∘y).
 */
export const softmaxGradient: Pass = {
  name: 'softmax gradient',
  run(graph) {
    const made = producers(graph);
    const readers = readersOf(graph);
    const fresh = freshValues(graph);
    const replaced = new Map<GraphNode, readonly GraphNode[]>();
    for (const node of graph.nodes) {
      const found = match(node, made, readers);
      if (found === undefined) continue;
      const { probabilities, slope, total, dy, y } = found;
      const product = fresh(y);
      const sums = fresh({ shape: [...y.shape.slice(0, -1), 1], dtype: y.dtype });
      const isShaped = sameShape(sums.shape, total.shape);
      const shaped = isShaped ? sums : fresh(total);
      const centred = fresh(slope);
      const axis = [y.shape.length - 1];
      const reshape = { op: 'Reshape', inputs: [sums], attrs: { shape: total.shape }, outputs: [shaped] };
      replaced.set(node, [
        { op: 'Multiply', inputs: [dy, y], attrs: {}, outputs: [product] },
        { op: 'Sum', inputs: [product], attrs: { axis, keepDims: true }, outputs: [sums] },
        ...(isShaped ? [] : [reshape]),
        { op: 'Sub', inputs: [slope, shaped], attrs: {}, outputs: [centred] },
        { op: 'Multiply', inputs: [probabilities, centred], attrs: {}, outputs: node.outputs },
      ]);
    }
    if (replaced.size === 0) return graph;
    return { ...graph, nodes: graph.nodes.flatMap((node) => replaced.get(node) ?? [node]) };
  },
};

interface Match {
  readonly probabilities: Value;
  /** dP. */
  readonly slope: Value;
  /** Σ P∘dP as tfjs has it: its shape. */
  readonly total: Value;
  readonly dy: Value;
  readonly y: Value;
}

type Made = ReadonlyMap<Value, GraphNode>;
type Readers = ReadonlyMap<Value, readonly GraphNode[]>;

/** @param node t - s P with t = dP∘P and s = Σ t */
function match(node: GraphNode, made: Made, readers: Readers): Match | undefined {
  if (node.op !== 'Sub') return undefined;
  const [t, subtracted] = node.inputs as [Value, Value];
  const weighted = made.get(t);
  const scaled = made.get(subtracted);
  if (weighted?.op !== 'Multiply' || scaled?.op !== 'Multiply') return undefined;
  const sum = scaled.inputs.map((input) => made.get(input)).find((one) => one?.op === 'Sum');
  if (sum === undefined || sum.inputs[0] !== t || sum.attrs.keepDims !== true) return undefined;
  const total = sum.outputs[0]!;
  const probabilities = scaled.inputs.find((input) => input !== total);
  if (probabilities === undefined || made.get(probabilities)?.op !== 'Softmax') return undefined;
  const slope = weighted.inputs.find((input) => input !== probabilities);
  if (slope === undefined || !weighted.inputs.includes(probabilities)) return undefined;
  const rows = probabilities.shape.slice(0, -1);
  if (!sameShape(total.shape, [...rows, 1]) || !sameShape(slope.shape, probabilities.shape)) return undefined;
  const { source, mask } = masked(slope, made);
  const backward = made.get(source);
  if (!isProduct(backward) || backward.attrs.transposeB !== true || backward.attrs.transposeA === true)
    return undefined;
  const [dy, values] = backward.inputs as [Value, Value];
  for (const used of usedAs(probabilities, mask, readers))
    for (const forward of readers.get(used) ?? [])
      if (
        isProduct(forward) &&
        forward.inputs[0] === used &&
        forward.inputs[1] === values &&
        forward.attrs.transposeA !== true &&
        forward.attrs.transposeB !== true &&
        sameShape(forward.outputs[0]!.shape, dy.shape)
      )
        return { probabilities, slope, total, dy: unrounded(dy, made), y: forward.outputs[0]! };
  return undefined;
}

function isProduct(node: GraphNode | undefined): node is GraphNode {
  return node?.op === 'BatchMatMul' && node.attrs.alpha === undefined;
}

/** The float32 numbers that a product's operand was rounded from. */
function unrounded(value: Value, made: Made): Value {
  const node = made.get(value);
  return node?.op === 'RoundTo' ? node.inputs[0]! : value;
}

/** What a slope is made from, reshapes apart, and the dropout mask it went through, if any. */
function masked(slope: Value, made: Made): { source: Value; mask: Value | undefined } {
  const node = made.get(slope);
  if (node?.op !== 'Multiply') return { source: unshaped(slope, made), mask: undefined };
  const [a, b] = node.inputs as [Value, Value];
  const isGradient = isProduct(made.get(unshaped(a, made)));
  return isGradient ? { source: unshaped(a, made), mask: b } : { source: unshaped(b, made), mask: a };
}

function unshaped(value: Value, made: Made): Value {
  let at = value;
  for (let node = made.get(at); node !== undefined && isReshape(node.op); node = made.get(at))
    at = node.inputs[0]!;
  return at;
}

/** The probabilities, or what the mask leaves of them, under every shape and rounded. */
function usedAs(probabilities: Value, mask: Value | undefined, readers: Readers): Value[] {
  const start =
    mask === undefined
      ? [probabilities]
      : (readers.get(probabilities) ?? [])
          .filter(({ op, inputs }) => op === 'Multiply' && inputs.includes(mask))
          .map(({ outputs }) => outputs[0]!);
  const all = [...start];
  // The list grows while it is read: a reshape of a rounding, or the other way round.
  for (const value of all)
    for (const { op, outputs } of readers.get(value) ?? [])
      if (isReshape(op) || op === 'RoundTo') all.push(outputs[0]!);
  return all;
}
