/** The one table of kernels: what can be traced, what its output looks like, how it is written in ONNX. */
import type { GraphNode } from '../ir/graph.ts';
import { typeText } from '../ir/graph.ts';
import { composites } from './composite.ts';
import { elementwise } from './elementwise.ts';
import { fusedKernels } from './fused.ts';
import { indexing } from './indexing.ts';
import type { Kernel, KernelTable } from './kernel.ts';
import { layout } from './layout.ts';
import { loops } from './loop.ts';
import { products } from './products.ts';
import { reductions } from './reduction.ts';

export const kernels: KernelTable = {
  ...elementwise,
  ...reductions,
  ...layout,
  ...products,
  ...indexing,
  ...composites,
  ...loops,
  ...fusedKernels,
};

/** Names of the kernels of our own, which TensorFlow.js does not have. */
export const compositeNames = Object.keys(composites) as (keyof typeof composites)[];

/** A kernel that cannot be compiled, an operation used in a way that cannot, or a value read while tracing. */
export class CompileError extends Error {
  override readonly name = 'CompileError';
}

/**
 * The table's entry for `op`.
 * @throws CompileError that names the operation, its inputs and the remedy when there is none.
 */
export function kernelFor(op: string, inputTypes: string): Kernel {
  const entry = kernels[op];
  if (entry === undefined) {
    throw new CompileError(
      `cannot compile ${op}(${inputTypes}): no ONNX lowering for this TensorFlow.js kernel; ` +
        'express it with supported operations (docs/operators.md) or add it to packages/engine/src/kernels',
    );
  }
  if ('reason' in entry) throw new CompileError(`cannot compile ${op}(${inputTypes}): ${entry.reason}`);
  return entry;
}

/** Output types of a node, re-derived; errors name the node. */
export function inferNode(node: Pick<GraphNode, 'op' | 'inputs' | 'attrs'>) {
  const types = node.inputs.map(typeText).join(', ');
  const kernel = kernelFor(node.op, types);
  try {
    return kernel.infer(node.inputs, node.attrs);
  } catch (error) {
    throw new CompileError(`${node.op}(${types}): ${(error as Error).message}`);
  }
}
