/** The loss over a vocabulary from the logits alone: the logarithm of their softmax, as large as they, is never written. */

import { MOST_ELEMENTS } from '../cuda/kernelSource.ts';
import type { GraphNode, Value } from '../ir/graph.ts';
import { sizeOf } from '../ir/graph.ts';
import { freshValues, type Pass, readersOf } from './rewrite.ts';

/** For graphs whose operators may be kernels of our own. */
export const tokenLosses: Pass = {
  name: 'token losses',
  run(graph) {
    const readers = readersOf(graph);
    const results = new Set(graph.outputs.values());
    const fresh = freshValues(graph);
    /** By the logarithm of the softmax: what its gradients are computed from instead. */
    const known = new Map<Value, { readonly logits: Value; readonly logSum: Value }>();
    const nodes = graph.nodes.map((node): GraphNode => {
      const [first, labels] = node.inputs as [Value, Value];
      if (node.op === 'TokenLossGrad') {
        const found = known.get(first);
        if (found === undefined) return node;
        return { ...node, op: 'TokenLossSlope', inputs: [found.logits, labels, found.logSum] };
      }
      if (node.op !== 'TokenLoss' || sizeOf(first.shape) > MOST_ELEMENTS) return node;
      const [losses, logs] = node.outputs as [Value, Value];
      const own = readers.get(logs) ?? [];
      if (results.has(logs) || own.some(({ op, inputs }) => op !== 'TokenLossGrad' || inputs[1] !== labels))
        return node;
      const logSum = fresh({ shape: [first.shape[0]!, 1], dtype: 'float32' });
      known.set(logs, { logits: first, logSum });
      return { ...node, op: 'RowLogSum', outputs: [losses, logSum] };
    });
    return known.size === 0 ? graph : { ...graph, nodes };
  },
};
