/** The passes in the order they run, and why that order. */
import type { Graph } from '../ir/graph.ts';
import type { Device } from '../run/program.ts';
import type { WeightSource } from '../weights/source.ts';
import { withoutCheckpoints } from './checkpoints.ts';
import { commonSubexpressions } from './commonSubexpressions.ts';
import { deadCode } from './deadCode.ts';
import { dropoutRows } from './dropoutRows.ts';
import { gemm } from './gemm.ts';
import { joins, unjoinable } from './joins.ts';
import { loopBodies } from './loopBodies.ts';
import { type Precision, withPrecision } from './precision.ts';
import { recompute } from './recompute.ts';
import { scales } from './scales.ts';
import type { Pass } from './rewrite.ts';
import { simplify } from './simplify.ts';
import { softmaxGradient } from './softmaxGradient.ts';

/** Repeated until nothing changes: each gives the others something to do. */
const FIXED_POINT: readonly Pass[] = [deadCode, simplify, commonSubexpressions];
/** Once, before anything is computed twice: what they look for is in the forward and the backward pass. */
const ACROSS: readonly Pass[] = [softmaxGradient, scales, deadCode];
/** Once, last: a fused node hides its parts from the rules above. */
const FINAL: readonly Pass[] = [gemm, deadCode];

const MAX_ROUNDS = 20;

export interface OptimiseOptions {
  /** Default "f32". */
  readonly precision?: Precision;
  /**
   * Keep of the forward pass only what `checkpoint` marks, and compute the rest again in the backward pass: less
   * memory, about a third more time. Default false.
   */
  readonly recompute?: boolean;
  /** What the graph is for; default "cpu". */
  readonly device?: Device;
}

/** What the passes know of a graph's inputs and weights. */
export interface Sources {
  readonly weights?: ReadonlyMap<string, WeightSource>;
  /** Names of the inputs that are trained. */
  readonly parameters?: readonly string[];
}

/** Rewrites a graph into one with fewer, larger nodes: equivalent, but for the precision asked for. */
export function optimise(graph: Graph, options: OptimiseOptions = {}, sources: Sources = {}): Graph {
  const { weights = new Map(), parameters = [] } = sources;
  // First, while a product is a node of its own; equal roundings are then done once, and before a loop.
  let current = withPrecision(graph, options.precision ?? 'f32', weights, parameters);
  if (!options.recompute) current = withoutCheckpoints(current);
  current = simplified(loopBodies(optimise).run(current));
  for (const pass of ACROSS) current = pass.run(current);
  // Behind common subexpressions, which would join what is computed twice.
  if (options.recompute) current = withoutCheckpoints(recompute(current, parameters));
  current = dropoutRows.run(current);
  const excluded = unjoinable(current, weights, options.precision ?? 'f32', options.device === 'cuda');
  if (excluded !== undefined) for (const pass of joins(excluded)) current = pass.run(current);
  for (const pass of FINAL) current = pass.run(current);
  return current;
}

function simplified(graph: Graph): Graph {
  let current = graph;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const before = current;
    for (const pass of FIXED_POINT) current = pass.run(current);
    if (current === before) break;
  }
  return current;
}
