/** The passes in the order they run, and why that order. */
import type { Graph } from '../ir/graph.ts';
import { commonSubexpressions } from './commonSubexpressions.ts';
import { deadCode } from './deadCode.ts';
import { gemm } from './gemm.ts';
import { loopBodies } from './loopBodies.ts';
import type { Pass } from './rewrite.ts';
import { simplify } from './simplify.ts';

/** Repeated until nothing changes: each gives the others something to do. */
const FIXED_POINT: readonly Pass[] = [deadCode, simplify, commonSubexpressions];
/** Once, last: a fused node hides its parts from the rules above. */
const FINAL: readonly Pass[] = [gemm, deadCode];

const MAX_ROUNDS = 20;

/** Rewrites a graph into an equivalent one with fewer, larger nodes. */
export function optimise(graph: Graph): Graph {
  let current = loopBodies(optimise).run(graph);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const before = current;
    for (const pass of FIXED_POINT) current = pass.run(current);
    if (current === before) break;
  }
  for (const pass of FINAL) current = pass.run(current);
  return current;
}
