/** Attention's probabilities, computed again on the way back. */
import { traceOptimised } from '@psoft/engine';
import { expect, test } from 'vitest';
import { checkGraph } from '../src/ir/check.ts';
import type { Graph } from '../src/ir/graph.ts';
import { planExecution } from '../src/memory/order.ts';
import { peak } from '../src/memory/peak.ts';
import { probabilities } from '../src/passes/probabilities.ts';
import { createSessionProgram } from '../src/run/session.ts';
import { stack } from './stack.ts';

test('are not kept, and loss and gradient are the same to the bit', async () => {
  const { fn, signature, feeds } = stack({ layers: 6, tokens: 96, width: 16, rank: 4 });
  const graph = traceOptimised(fn, signature);
  const again = probabilities(0).run(graph);
  checkGraph(again);
  const softmaxes = ({ nodes }: Graph) => nodes.filter(({ op }) => op === 'Softmax').length;
  expect(softmaxes(graph)).toBe(6);
  // Those of the last two layers are needed again soon.
  expect(softmaxes(again)).toBe(6 + 4);
  const peakOf = (one: Graph) => peak(one, planExecution(one).order).bytes;
  const kept = 4 * 4 * 96 * 96;
  expect(peakOf(again)).toBeLessThan(peakOf(graph) - 0.5 * kept);

  const run = async (one: Graph) => {
    const program = await createSessionProgram('stack', one, signature.inputs, signature.weights, 0);
    const { loss, gradient } = await program.run(feeds);
    await program.dispose();
    return [loss!.data, gradient!.data];
  };
  expect(await run(again)).toEqual(await run(graph));
});

test('stay where they are small, or nobody reads them later', () => {
  const { fn, signature } = stack({ layers: 4, tokens: 8, width: 16, rank: 4 });
  const graph = traceOptimised(fn, signature);
  expect(probabilities(4 * 8 * 8 + 1).run(graph)).toBe(graph);
  const forward = traceOptimised((inputs, weight) => ({ loss: fn(inputs, weight).loss! }), signature);
  expect(probabilities(0).run(forward)).toBe(forward);
});
