/** Recomputation: the same numbers from less memory, in the order that was meant. */
import {
  checkGraph,
  checkpoint,
  compile,
  estimateMemory,
  type ProgramFunction,
  printGraph,
  type TensorValue,
  tf,
  traceOptimised,
} from '@psoft/engine';
import { describe, expect, test } from 'vitest';
import { orders } from './executed.ts';
import { stack } from './stack.ts';

const SMALL = { layers: 3, tokens: 5, width: 8, rank: 3 };
const LARGER = { layers: 6, tokens: 128, width: 64, rank: 8 };

describe('recomputation', () => {
  test('gives the same loss and gradient, bit by bit', async () => {
    const { fn, signature, feeds } = stack(SMALL);
    const results: Record<string, TensorValue>[] = [];
    for (const recompute of [false, true]) {
      const program = await compile(fn, signature, { recompute });
      checkGraph(program.graph!);
      results.push(await program.run(feeds));
      await program.dispose();
    }
    expect(results[1]).toEqual(results[0]);
    expect(results[0]!.gradient!.data.some((value) => Math.abs(value) > 1e-4)).toBe(true);
  });

  test('agrees with tfjs, where the marks do nothing', async () => {
    const { fn, signature, feeds } = stack(SMALL);
    const program = await compile(fn, signature, { recompute: true });
    const eager = await compile(fn, signature, { executor: 'eager-cpu' });
    const [actual, expected] = [await program.run(feeds), await eager.run(feeds)];
    expect(Math.abs(actual.loss!.data[0]! / expected.loss!.data[0]! - 1)).toBeLessThan(1e-5);
    const largest = Math.max(...expected.gradient!.data.map(Math.abs));
    actual.gradient!.data.forEach((value, i) => {
      expect(Math.abs(value - expected.gradient!.data[i]!)).toBeLessThan(1e-5 * largest);
    });
    await Promise.all([program.dispose(), eager.dispose()]);
  });

  test('computes what lies between marks twice, and nothing else', () => {
    const fn: ProgramFunction = ({ x, w }) => ({
      y: tf.grad((t) => {
        const shared = tf.tanh(w!);
        const first = tf.sin(tf.mul(checkpoint(t), shared));
        const second = tf.sin(tf.mul(checkpoint(first), shared));
        return tf.sum(tf.exp(checkpoint(second)));
      })(x!),
    });
    const f32 = { shape: [2], dtype: 'float32' as const };
    const signature = { inputs: { x: f32, w: f32 } };
    expect(printGraph(traceOptimised(fn, signature, { recompute: true }))).toMatchInlineSnapshot(`
      "input x = %0: f32[2]
      input w = %1: f32[2]
      %2: f32[2] = Tanh(%1)
      %3: f32[2] = Multiply(%0, %2)
      %4: f32[2] = Sin(%3)
      %5: f32[2] = Multiply(%4, %2)
      %6: f32[2] = Sin(%5)
      %7: f32[2] = Exp(%6)
      %8: f32[2] = Multiply(%4, %2)
      %9: f32[2] = Cos(%8)
      %10: f32[2] = Multiply(%9, %7)
      %11: f32[2] = Multiply(%10, %2)
      %12: f32[2] = Multiply(%0, %2)
      %13: f32[2] = Cos(%12)
      %14: f32[2] = Multiply(%13, %11)
      %15: f32[2] = Multiply(%14, %2)
      output y = %15"
    `);
    expect(printGraph(traceOptimised(fn, signature))).not.toMatch(/Checkpoint/);
  });

  test('lowers the estimate of memory by more than half', () => {
    const { fn, signature } = stack(LARGER);
    const bytes = (recompute: boolean) =>
      estimateMemory(traceOptimised(fn, signature, { recompute }), signature.weights).peakActivationBytes;
    expect(bytes(true)).toBeLessThan(0.5 * bytes(false));
  });

  test('without a mark changes nothing', () => {
    const fn: ProgramFunction = ({ x }) => ({ y: tf.grad((t) => tf.sum(tf.sin(tf.sin(t))))(x!) });
    const signature = { inputs: { x: { shape: [2], dtype: 'float32' as const } } };
    expect(printGraph(traceOptimised(fn, signature, { recompute: true }))).toBe(
      printGraph(traceOptimised(fn, signature)),
    );
  });

  test('ONNX Runtime runs the matrix products in the order of the graph', async () => {
    const { fn, signature, feeds } = stack(LARGER);
    const graph = traceOptimised(fn, signature, { recompute: true });
    const { executed, written } = await orders(graph, signature.weights, feeds);
    const isProduct = (name: string) => /^(Fused)?(MatMul|Gemm)_/.test(name);
    const products = written.filter((name) => isProduct(name) && executed.includes(name));
    // Some are fused with a neighbour and then bear another name.
    expect(products.length).toBeGreaterThan(0.7 * written.filter(isProduct).length);
    const moved = executed
      .filter((name) => products.includes(name))
      .map((name, i) => Math.abs(products.indexOf(name) - i));
    // A few for one another within a layer; in any other order whole layers would change places.
    expect(Math.max(...moved)).toBeLessThan(products.length / LARGER.layers / 2);
  });
});
