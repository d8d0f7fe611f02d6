/** Times of one forward and one backward pass (Tables 19 and 20). */
import { numberOf, type Paper, type Row, TABLES } from '../paper/index.ts';
import { configNumbers } from './counting.ts';
import { float32Peak } from './devices.ts';
import { type Check, cells, type Finding, noted, place, settingsOf, show, verdictOf } from './finding.ts';

const COSTS = ['table19_layer_cost', 'table20_block_cost'] as const;
type CostTable = (typeof COSTS)[number];
const TIMES = ['runtime_fp_ms', 'runtime_bp_ms'] as const;
/** Weights by squares of the width: one linear; four of attention and a feed-forward of four times the width. */
const SQUARES: Readonly<Record<CostTable, number>> = { table19_layer_cost: 1, table20_block_cost: 12 };

export const timings: Check = {
  name: 'timings',
  about: "forward and backward times against each other, across ranks, and against the device's arithmetic",
  run: (paper) =>
    COSTS.flatMap((table) => [
      ...paper[table].flatMap((row) => [split(table, row), ...floors(paper, table, row)]),
      ...acrossRanks(paper, table),
    ]),
};

type CostRow = Row<CostTable>;

/** With frozen weights the backward pass does the forward products again, transposed, and more. */
function split(table: CostTable, row: CostRow): Finding {
  const [forward, backward] = [numberOf(row.runtime_fp_ms), numberOf(row.runtime_bp_ms)];
  const holds = backward >= forward;
  return {
    ...place(table, row, TIMES),
    recomputed: `backward at least ${row.runtime_fp_ms.text}`,
    rule: 'the gradient of the input alone repeats every product of the forward pass',
    verdict: verdictOf(holds),
    ...noted(
      holds
        ? undefined
        : `the backward pass is ${show(forward / backward, forward > 10 * backward ? 0 : 1)} times cheaper, as timers that do not wait for the device would give`,
    ),
    uses: [],
  };
}

/** The products of the frozen weights, at the device's FP32 peak. */
function floors(paper: Paper, table: CostTable, row: CostRow): Finding[] {
  const { batch_size, sequence_length, width, device } = settingsOf(paper, table);
  const peak = float32Peak(device);
  const operations =
    2 * numberOf(batch_size) * numberOf(sequence_length) * SQUARES[table] * numberOf(width) ** 2;
  const least = operations / (peak * 1e9);
  const sum = numberOf(row.runtime_fp_ms) + numberOf(row.runtime_bp_ms);
  const rule = (passes: string) =>
    `2*b*s*${SQUARES[table] === 1 ? '' : `${SQUARES[table]}*`}h^2 operations ${passes}, ${peak} TFLOP/s in FP32 (${device})`;
  const isPossible = numberOf(row.runtime_fp_ms) >= least;
  return [
    {
      ...place(table, row, 'runtime_fp_ms'),
      recomputed: `at least ${show(least, 1)}`,
      rule: rule('a pass'),
      verdict: verdictOf(isPossible),
      ...noted(
        isPossible
          ? undefined
          : `it would be ${show(operations / (numberOf(row.runtime_fp_ms) * 1e9), 0)} TFLOP/s: TF32, or a timer that does not wait`,
      ),
      uses: [],
    },
    {
      ...place(table, row, TIMES, show(sum, 1)),
      cell: `${row.label}: sum of both passes`,
      recomputed: `at least ${show(2 * least, 1)}`,
      rule: rule('a pass, twice'),
      verdict: verdictOf(sum >= 2 * least),
      judges: [],
      uses: cells(table, row, TIMES),
    },
  ];
}

/** Work grows with the rank, so neither pass nor their sum should fall. */
function acrossRanks(paper: Paper, table: CostTable): Finding[] {
  const rows = (paper[table] as readonly CostRow[])
    .filter(({ method }) => method === 'PSOFT')
    .sort((a, b) => (configNumbers(a.config).r ?? 0) - (configNumbers(b.config).r ?? 0));
  const sums = rows.map((row) => numberOf(row.runtime_fp_ms) + numberOf(row.runtime_bp_ms));
  const forward = rows.slice(1).map((row, i): Finding => {
    const smaller = rows[i]!;
    const holds = numberOf(row.runtime_fp_ms) >= numberOf(smaller.runtime_fp_ms);
    return {
      ...place(table, row, 'runtime_fp_ms'),
      recomputed: `at least ${smaller.runtime_fp_ms.text} (${smaller.config})`,
      rule: 'the work of a pass grows with the rank',
      verdict: verdictOf(holds),
      ...noted(holds ? undefined : 'the time moved to the backward pass: the sum of both does not fall'),
      uses: cells(table, smaller, ['runtime_fp_ms']),
    };
  });
  const isSmooth = sums.every((sum, i) => i === 0 || sum >= sums[i - 1]!);
  return [
    ...forward.map((finding) => (isSmooth ? finding : dropNote(finding))),
    {
      table: TABLES[table].title,
      cell: 'PSOFT: sum of both passes by rank',
      printed: sums.map((sum) => show(sum, 1)).join(', '),
      recomputed: isSmooth ? 'rises' : 'falls somewhere',
      rule: 'the work of both passes grows with the rank',
      verdict: verdictOf(isSmooth),
      judges: [],
      uses: rows.flatMap((row) => cells(table, row, TIMES)),
    },
  ];
}

function dropNote({ note: _, ...finding }: Finding): Finding {
  return finding;
}
