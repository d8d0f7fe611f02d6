/** The record of one bench: what a training step, or its halves, of a method cost at one size on one machine. */
import { fingerprint, name, utcTime } from '../schema/parts.ts';
import {
  boolean,
  constant,
  described as d,
  type Infer,
  integer,
  list,
  map,
  number,
  object,
  oneOf,
  optional,
  settings,
  text,
} from '../schema/shape.ts';
import { metaInfoShape } from '../schema.ts';

export const BENCH_VERSION = 1;

const point = object({
  profile: d('tiny: small shapes; paper: the paper’s. Never compared with each other.', name),
  shape: d('What is trained: deberta, vit, llama, one linear layer, one block.', name),
  kind: d('step: a whole training step; passes: forward and backward apart.', oneOf('step', 'passes')),
  method: name,
  adapter: d('Its settings; empty for methods without an adapter.', settings()),
  batch: integer(1),
  length: d('Tokens of a sequence, or patches of an image and its class token.', integer(1)),
  layers: integer(1),
  hidden: d('Width.', integer(1)),
  executor: text(),
  precision: text(),
  weights: d('How frozen weights are stored.', oneOf('F32', 'BF16')),
  recompute: optional(boolean()),
  accumulate: optional(d('Batches that make up one update; times are divided by their number.', integer(1))),
});

const measured = object({
  passes: d('Timed, after some that are not.', integer(1)),
  stepMilliseconds: d(
    'Median: forward, backward, clipping and update; of passes forward and backward.',
    number(0),
  ),
  bestStepMilliseconds: number(0),
  cpuMilliseconds: d(
    'Of it, the least of the passes: time of all cores together, which other work on the machine lengthens little.',
    optional(number(0)),
  ),
  programMilliseconds: d('Of it, mean: the compiled program with its transfers.', optional(number(0))),
  forwardMilliseconds: d('Best of the forward pass alone, dropout on.', optional(number(0))),
  backwardMilliseconds: d('Best of both passes less that of the forward pass.', optional(number(0))),
  peakMemoryBytes: d(
    'Largest resident set while compiling and running, initialisation not counted.',
    integer(),
  ),
  forwardPeakMemoryBytes: d('The same of a process that runs the forward pass only.', optional(integer())),
  peakDeviceMemoryBytes: d('What the process took on the card.', optional(integer())),
  forwardPeakDeviceMemoryBytes: optional(integer()),
  trained: d('Values that are trained.', integer()),
  initialiseSeconds: optional(number(0)),
  compileSeconds: optional(number(0)),
  graphNodes: optional(integer()),
  onnxNodes: optional(integer()),
  losses: d('Of the first steps: that the right thing was measured.', list(number())),
});

const bench = object({
  schemaVersion: constant(BENCH_VERSION),
  point,
  hash: d('SHA-256 of the point and the machine; its first 8 digits end the file name.', fingerprint),
  createdAt: utcTime,
  measured: d('Absent where it could not run.', optional(measured)),
  unavailable: d('One line: why it could not run.', optional(text())),
  metaInfo: object({
    codeInfo: metaInfoShape.codeInfo,
    packageInfo: map(text()),
    systemInfo: metaInfoShape.systemInfo,
  }),
});

export type BenchRecord = Infer<typeof bench>;
export type BenchPoint = BenchRecord['point'];
export type BenchMeasured = NonNullable<BenchRecord['measured']>;

/** @throws Error of one line that begins with the JSON path */
export function checkBench(value: unknown): BenchRecord {
  const version = (value as { schemaVersion?: unknown } | null)?.schemaVersion;
  if (Number.isInteger(version) && version !== BENCH_VERSION)
    throw new Error(`schemaVersion: ${version} is not known; this code reads ${BENCH_VERSION}`);
  const problem = bench.check(value, '');
  if (problem !== undefined) throw new Error(problem);
  const checked = value as BenchRecord;
  if ((checked.measured === undefined) === (checked.unavailable === undefined))
    throw new Error('measured: give it, or "unavailable", and not both');
  return checked;
}
