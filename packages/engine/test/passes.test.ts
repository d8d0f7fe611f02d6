/** Golden: what the passes make of small programs, compared as text; and that they change no result. */
import {
  checkGraph,
  type ProgramFunction,
  printGraph,
  tf,
  traceOptimised,
  traceUnoptimised,
} from '@psoft/engine';
import { describe, expect, test } from 'vitest';

const f32 = (...shape: number[]) => ({ shape, dtype: 'float32' as const });

function optimised(fn: ProgramFunction, inputs: Record<string, ReturnType<typeof f32>>): string {
  const graph = traceOptimised(fn, { inputs });
  checkGraph(graph);
  return printGraph(graph);
}

describe('passes', () => {
  test('a product and its bias become one Gemm', () => {
    const text = optimised(({ x, w, b }) => ({ y: tf.add(tf.matMul(x!, w!, false, true), b!) }), {
      x: f32(4, 3),
      w: f32(2, 3),
      b: f32(2),
    });
    expect(text).toMatchInlineSnapshot(`
      "input x = %0: f32[4,3]
      input w = %1: f32[2,3]
      input b = %2: f32[2]
      %3: f32[4,2] = Gemm(%0, %1, %2, transposeA=false, transposeB=true)
      output y = %3"
    `);
  });

  test('a product that is read twice keeps its own node', () => {
    const text = optimised(
      ({ x, w, b }) => {
        const product = tf.matMul(x!, w!);
        return { y: tf.add(product, b!), z: product };
      },
      { x: f32(4, 3), w: f32(3, 2), b: f32(2) },
    );
    expect(text).toContain('BatchMatMul');
    expect(text).not.toContain('Gemm');
  });

  test('equal computations are done once', () => {
    const text = optimised(({ x }) => ({ y: tf.add(tf.exp(x!), tf.exp(x!)) }), { x: f32(2) });
    expect(text.match(/Exp/g)).toHaveLength(1);
  });

  test('neutral elements, reshapes of reshapes and transposes that cancel disappear', () => {
    const text = optimised(
      ({ x }) => {
        const there = tf.transpose(tf.reshape(tf.reshape(x!, [6]), [3, 2]), [1, 0]);
        return { y: tf.mul(tf.add(tf.transpose(there, [1, 0]), 0), 1) };
      },
      { x: f32(2, 3) },
    );
    expect(text).toMatchInlineSnapshot(`
      "input x = %0: f32[2,3]
      %1: f32[3,2] = Reshape(%0, shape=[3,2])
      output y = %1"
    `);
  });

  test('a neutral element that broadcasts is kept', () => {
    const text = optimised(({ x }) => ({ y: tf.add(x!, tf.zeros([4, 2])) }), { x: f32(2) });
    expect(text).toContain('f32[4,2] = Add');
  });

  test('a value replaced twice is followed to the end', () => {
    const text = optimised(
      ({ x }) => ({ y: tf.reshape(tf.reshape(tf.add(tf.clone(x!), 0), [3, 2]), [2, 3]) }),
      { x: f32(2, 3) },
    );
    expect(text).toMatchInlineSnapshot(`
      "input x = %0: f32[2,3]
      output y = %0"
    `);
  });

  test('what no output needs is dropped, frozen weights too', () => {
    const weights = new Map([['w', { kind: 'data', data: new Float32Array(2), shape: [2] }]] as const);
    const fn: ProgramFunction = ({ x }, weight) => {
      tf.mul(x!, weight('w'));
      return { y: tf.exp(x!) };
    };
    const signature = { inputs: { x: f32(2) }, weights };
    expect(traceUnoptimised(fn, signature).weights.size).toBe(1);
    const graph = traceOptimised(fn, signature);
    expect([graph.weights.size, graph.nodes.length]).toEqual([0, 1]);
  });
});
