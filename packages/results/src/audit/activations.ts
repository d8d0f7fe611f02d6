/** Table 9's two forms against each other, and the block of Table 20 against them. */
import { numberOf, type Paper, type Row, TABLES } from '../paper/index.ts';
import { configNumbers } from './counting.ts';
import {
  type Check,
  cells,
  type Finding,
  noted,
  place,
  rowOf,
  settingsOf,
  show,
  verdictOf,
} from './finding.ts';
import { evaluate } from './formula.ts';
import { GIB } from './memoryShape.ts';

export const activations: Check = {
  name: 'activations',
  about:
    "Table 9's relative and absolute forms, and the growth of memory that they give for Tables 19 and 20",
  run: (paper) => [
    ...paper.table9_activation_memory.map(algebra),
    ...PAIRS.map((pair) => difference(paper, pair)),
  ],
};

/** Primes, so that no two different formulas of this kind meet at all three. */
const POINTS = [
  { b: 2, s: 3, h: 5, a: 7, r: 11, m: 13 },
  { b: 17, s: 19, h: 23, a: 29, r: 31, m: 37 },
  { b: 41, s: 43, h: 47, a: 53, r: 59, m: 61 },
] as const;
const BASE = '66*b*s*h + 9*a*b*s^2';

function algebra(row: Row<'table9_activation_memory'>): Finding {
  const relative = row.relative.replaceAll('ACT_base', `(${BASE})`);
  const values = POINTS.map((point) => [evaluate(row.absolute, point), evaluate(relative, point)] as const);
  const holds = values.every(([absolute, other]) => Math.abs(absolute - other) <= 1e-9 * Math.abs(absolute));
  return {
    ...place('table9_activation_memory', row, 'absolute'),
    recomputed: holds ? 'equal' : `${values[0]![1]} instead of ${values[0]![0]} at b=2 s=3 h=5 a=7 r=11 m=13`,
    rule: `${row.relative}, ACT_base = ${BASE}`,
    verdict: verdictOf(holds),
    uses: cells('table9_activation_memory', row, ['relative']),
  };
}

interface Pair {
  readonly table: 'table19_layer_cost' | 'table20_block_cost';
  readonly more: string;
  readonly less: string;
  /** Rows of Table 9, whose difference is what the two rows should differ by. */
  readonly methods: readonly [more: string, less: string];
}

const PAIRS: readonly Pair[] = (['table19_layer_cost', 'table20_block_cost'] as const).flatMap((table) => [
  { table, more: 'BOFT b=4 m=4', less: 'BOFT b=8 m=2', methods: ['BOFT', 'BOFT'] },
  { table, more: 'GOFTv2', less: 'BOFT b=8 m=2', methods: ['GOFT', 'BOFT'] },
]);

/** Differences of two rows are free of weights and of what both keep. */
function difference(paper: Paper, { table, more, less, methods }: Pair): Finding {
  const settings = settingsOf(paper, table);
  const isBlock = table === 'table20_block_cost';
  const bytes = (label: string, method: string, batch: number): number => {
    const sizes = {
      b: batch,
      s: numberOf(settings.sequence_length),
      h: numberOf(settings.width),
      a: settings.heads.value ?? 0,
      r: 0,
    };
    const config = configNumbers(label);
    const { absolute } = rowOf(paper, 'table9_activation_memory', method);
    return evaluate(absolute, { ...sizes, ...config, b: batch });
  };
  // A block's linears read 9 widths of input, one square linear reads one.
  const share = isBlock ? 1 : 1 / 9;
  const expect = (batch: number) =>
    ((bytes(more, methods[0], batch) - bytes(less, methods[1], batch)) * share) / GIB;
  const batch = numberOf(settings.batch_size);
  const [high, low] = [rowOf(paper, table, more), rowOf(paper, table, less)];
  const printed = numberOf(high.peak_memory_fp_gb) - numberOf(low.peak_memory_fp_gb);
  const expected = expect(batch);
  // A GB of 10^9 bytes is 7 % less than one of 2^30; the rest is room for the allocator.
  const holds = Math.abs(printed - expected) <= 0.2 * expected + 2 * high.peak_memory_fp_gb.halfUnit;
  return {
    table: TABLES[table].title,
    cell: `${more} above ${less}: peak_memory_fp_gb`,
    printed: `${show(printed, 1)} (${high.peak_memory_fp_gb.text} - ${low.peak_memory_fp_gb.text})`,
    recomputed: `${show(expected, 1)} at b = ${batch}`,
    rule: `difference of Table 9's ${methods.join(' and ')} rows${isBlock ? '' : ', a ninth of a block for one square linear'}, within 20 %`,
    // Table 9 speaks of blocks; its share of one linear is ours.
    verdict: holds || isBlock ? verdictOf(holds) : 'cannot be decided',
    ...noted(
      holds
        ? undefined
        : `${show(printed / expected, 1)} times the formula, which b = ${show((batch * printed) / expected, 0)} would give`,
    ),
    judges: [high, low].map(({ line }) => ({ table, line, column: 'peak_memory_fp_gb' })),
    uses: [],
  };
}
