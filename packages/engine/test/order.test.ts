/** The order of execution: computations that would wait for the end, and keep memory, are run in their turn. */
import { frozenTokenLoss, type ProgramFunction, type Tensor, tf, traceOptimised } from '@psoft/engine';
import { describe, expect, test } from 'vitest';
import { planExecution } from '../src/memory/order.ts';
import { peak } from '../src/memory/peak.ts';
import { orders } from './executed.ts';

const [PIECES, ROWS, HIDDEN, WORDS] = [5, 8, 16, 1024];
const tokens = PIECES * ROWS;

/** A loss over a large vocabulary in pieces: only the sum of all is wanted at once, the pieces' gradients later. */
const fn: ProgramFunction = ({ x, head, labels }) => {
  const scale = tf.fill([ROWS], 1 / tokens);
  const { value, grad } = tf.valueAndGrad((hidden: Tensor) => {
    const losses = Array.from({ length: PIECES }, (_, i) => {
      const rows = tf.slice(hidden, [i * ROWS, 0], [ROWS, HIDDEN]);
      return frozenTokenLoss(rows, head!, tf.slice(labels!, [i * ROWS], [ROWS]), scale);
    });
    return tf.addN(losses) as never;
  })(x!);
  return { loss: value, gradient: grad };
};
const signature = {
  inputs: {
    x: { shape: [tokens, HIDDEN], dtype: 'float32' as const },
    head: { shape: [WORDS, HIDDEN], dtype: 'float32' as const },
    labels: { shape: [tokens], dtype: 'int32' as const },
  },
};

describe('the pieces of a loss', () => {
  const graph = traceOptimised(fn, signature);
  const logitsBytes = 4 * ROWS * WORDS;

  test('need the memory of one of them', () => {
    const { order, anchored } = planExecution(graph);
    expect(anchored.size).toBeGreaterThan(0);
    expect(order).toHaveLength(graph.nodes.length);
    expect(peak(graph, order).bytes).toBeLessThan(4 * logitsBytes);
  });

  test('are run by ONNX Runtime one after the other', async () => {
    const feeds = {
      x: new Float32Array(tokens * HIDDEN),
      head: new Float32Array(WORDS * HIDDEN),
      labels: new Int32Array(tokens),
    };
    const { executed } = await orders(graph, new Map(), feeds);
    const steps = executed.flatMap((name) => /^(LogSoftmax|ScatterElements)_/.exec(name)?.[1] ?? []);
    expect(steps).toEqual(Array(PIECES).fill(['LogSoftmax', 'ScatterElements']).flat());
  });
});
