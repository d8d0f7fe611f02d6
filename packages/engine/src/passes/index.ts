/** The passes in the order they run, and why that order. */
import type { Graph } from '../ir/graph.ts';
import type { Device } from '../run/program.ts';
import type { HalfWeights } from '../run/session.ts';
import type { WeightSource } from '../weights/source.ts';
import { alignedRows } from './alignedRows.ts';
import { withoutCheckpoints } from './checkpoints.ts';
import { commonSubexpressions } from './commonSubexpressions.ts';
import { deadCode } from './deadCode.ts';
import { dropoutMasks } from './dropoutMasks.ts';
import { dropoutRows } from './dropoutRows.ts';
import { fusion } from './fusion.ts';
import { gemm } from './gemm.ts';
import { areLarge, joins, unjoinable } from './joins.ts';
import { loopBodies } from './loopBodies.ts';
import { moves } from './moves.ts';
import { normSums } from './normSums.ts';
import type { InputOrigins } from './origins.ts';
import { partsInPlace } from './partsInPlace.ts';
import { type Precision, withPrecision } from './precision.ts';
import { probabilities } from './probabilities.ts';
import { recompute } from './recompute.ts';
import type { Pass } from './rewrite.ts';
import { roundings } from './roundings.ts';
import { rowSoftmax } from './rowSoftmax.ts';
import { scales } from './scales.ts';
import { simplify } from './simplify.ts';
import { softmaxGradient } from './softmaxGradient.ts';
import { tokenLosses } from './tokenLosses.ts';

/** Repeated until nothing changes: each gives the others something to do. */
const FIXED_POINT: readonly Pass[] = [deadCode, simplify, commonSubexpressions];
/** Once, before anything is computed twice: what they look for is in the forward and the backward pass. */
const across = (inputs: InputOrigins): readonly Pass[] => [softmaxGradient, scales(inputs), deadCode];
/** Once, last: a fused node hides its parts from the rules above. */
const FINAL: readonly Pass[] = [gemm, deadCode];

/** Once, behind all others: they make operators that only kernels of our own compute. */
const WITH_KERNELS: readonly Pass[] = [
  alignedRows,
  tokenLosses,
  normSums,
  roundings,
  rowSoftmax,
  deadCode,
  fusion,
  moves,
  deadCode,
  partsInPlace,
  deadCode,
];

const MAX_ROUNDS = 20;

/** Bytes of a mask that are worth taking it twice: on a card, small nodes cost as much as large ones. */
const WORTH_A_NODE = 2 ** 18;
const WORTH_A_LAUNCH = 2 ** 24;
/** Bytes of probabilities that are worth a product: an eighth of a gigabyte over the layers of a small model. */
const WORTH_A_PRODUCT = 2 ** 25;

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
  /** Whether kernels of our own can run there; default false. */
  readonly hasKernels?: boolean;
  /** As of a session. */
  readonly halfWeights?: HalfWeights;
  /** Passes to leave out, by name, to see what each is good for. */
  readonly without?: readonly string[];
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
  const { precision = 'f32', device, halfWeights } = options;
  // First, while a product is a node of its own; equal roundings are then done once, and before a loop.
  const rounded = withPrecision(graph, precision, weights, parameters);
  const trained = parameters.flatMap((name) => graph.inputs.get(name) ?? []);
  const kept = unjoinable(graph, weights, precision, device === 'cuda', halfWeights === 'inPlace');
  const isThrifty = device === 'cuda' && areLarge(graph);
  const done = rewritten(
    rounded,
    { ...options, joins: kept !== undefined, isThrifty },
    { trained, kept: kept ?? [] },
  );
  if (options.hasKernels !== true) return done;
  return WITH_KERNELS.reduce((current, pass) => runUnless(options, current, pass), done);
}

/** @param inputs what is known of the graph's inputs, or of those of a loop's body */
function rewritten(graph: Graph, options: RewriteOptions, inputs: InputOrigins): Graph {
  const run = (before: Graph, pass: Pass) => runUnless(options, before, pass);
  let current = options.recompute ? graph : withoutCheckpoints(graph);
  const bodies = loopBodies((body, origins) => rewritten(body, options, origins), inputs);
  current = simplified(bodies.run(current));
  current = across(inputs).reduce(run, current);
  // Behind common subexpressions, which would join what is computed twice.
  if (options.recompute) current = withoutCheckpoints(recompute(current, inputs));
  const { device = 'cpu' } = options;
  const masks = dropoutMasks(device === 'cpu' ? WORTH_A_NODE : WORTH_A_LAUNCH);
  const again = device === 'cuda' && !options.recompute ? [probabilities(WORTH_A_PRODUCT)] : [];
  return [
    dropoutRows,
    masks,
    ...again,
    ...(options.joins ? joins(inputs, device, options.isThrifty) : []),
    ...FINAL,
  ].reduce(run, current);
}

function runUnless({ without }: OptimiseOptions, graph: Graph, pass: Pass): Graph {
  return without?.includes(pass.name) ? graph : pass.run(graph);
}

interface RewriteOptions extends OptimiseOptions {
  readonly joins: boolean;
  /** Whether a weight is laid out once. */
  readonly isThrifty: boolean;
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
