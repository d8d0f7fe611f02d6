/** Bounds on memory: weights must fit in it, it must fit in the device, and it does not fall as the rank grows. */
import { numberOf, type Paper, type Printed, type Row, TABLES, type TableName } from '../paper/index.ts';
import { architectureOf } from './architectures.ts';
import { configNumbers } from './counting.ts';
import { deviceOf } from './devices.ts';
import { type Check, cells, type Finding, noted, place, settingsOf, show, verdictOf } from './finding.ts';
import { GIB } from './memoryShape.ts';

const MEASURED: readonly TableName[] = [
  'table2_glue',
  'table3_vtab',
  'table4_math',
  'table5_commonsense',
  'table13_math_low_budget',
  'table15_commonsense_low_budget',
  'table17_ranks_cola',
  'table18_ranks_commonsense',
  'table21_deberta_memory',
  'table22_vit_memory',
];
/** Tables of one model and one setting, in which only method and rank differ. */
const FAMILIES: readonly (readonly TableName[])[] = [
  ['table4_math', 'table13_math_low_budget'],
  ['table5_commonsense', 'table15_commonsense_low_budget'],
  ['table2_glue', 'table17_ranks_cola'],
  ['table18_ranks_commonsense'],
];

export const memoryBounds: Check = {
  name: 'memory-bounds',
  about:
    'memory above the weights and below the device, not falling as the rank grows, a backward pass not below its forward pass',
  run: (paper) => [
    ...MEASURED.flatMap((table) => rowsOf(paper, table).flatMap((row) => bounded(paper, table, row))),
    ...FAMILIES.flatMap((tables) => growing(paper, tables)),
    ...(['table19_layer_cost', 'table20_block_cost'] as const).flatMap((table) =>
      paper[table].map((row) => passes(table, row)),
    ),
  ],
};

/** What the rows of these tables have in common. */
interface MemoryRow {
  readonly label: string;
  readonly line: number;
  readonly method?: string;
  readonly config?: string;
  readonly rank?: Printed;
  readonly inserted_modules?: readonly string[];
}

function rowsOf(paper: Paper, table: TableName): readonly MemoryRow[] {
  return paper[table] as readonly unknown[] as readonly MemoryRow[];
}

function printedOf(row: MemoryRow, column: string): Printed {
  return (row as unknown as Readonly<Record<string, Printed>>)[column]!;
}

/** Every memory column of a row that holds a number, and FFT's "OOM". */
function bounded(paper: Paper, table: TableName, row: MemoryRow): Finding[] {
  const { model, device } = settingsOf(paper, table);
  const { memoryGb } = deviceOf(device);
  const isWhole = row.method === 'FFT';
  // Whether the paper's GB are 10^9 or 2^30 bytes is not said: the larger unit is the safer lower bound.
  const least = ((isWhole ? 16 : 4) * architectureOf(model).parameters) / GIB;
  const columns = Object.keys(TABLES[table].columns).filter((column) => column.startsWith('peak_memory_gb'));
  return columns
    .map((column) => ({ column, printed: printedOf(row, column) }))
    .filter(({ printed }) => printed.value !== undefined || isWhole)
    .map(({ column, printed }) => ({
      ...place(table, row as never, column),
      recomputed: `${show(least, 1)} to ${memoryGb} GB`,
      rule: isWhole
        ? `at least 16 bytes a parameter (FP32 weight, gradient, two moments), at most the ${device}`
        : `at least 4 bytes a parameter (FP32 weight), at most the ${device}`,
      verdict: verdictOf(
        printed.value === undefined
          ? least > memoryGb
          : printed.value + printed.halfUnit >= least && printed.value - printed.halfUnit <= memoryGb,
      ),
      uses: [],
    }));
}

/** Rows of one method and module set by rank, each against the next smaller rank. */
function growing(paper: Paper, tables: readonly TableName[]): Finding[] {
  const groups = new Map<string, { table: TableName; row: MemoryRow; rank: number; memory: Printed }[]>();
  for (const table of tables)
    for (const row of rowsOf(paper, table)) {
      const rank = row.rank?.value ?? configNumbers(row.config ?? '').r;
      const memory = printedOf(row, 'peak_memory_gb');
      if (rank === undefined || memory.value === undefined) continue;
      const modules = row.inserted_modules ?? settingsOf(paper, table).inserted_modules;
      const key = `${row.method ?? 'PSOFT'} ${modules.join(';')}`;
      groups.set(key, [...(groups.get(key) ?? []), { table, row, rank, memory }]);
    }
  return [...groups.values()].flatMap((group) => {
    const sorted = group.sort((a, b) => a.rank - b.rank);
    return sorted.slice(1).map(({ table, row, memory }, i): Finding => {
      const smaller = sorted[i]!;
      return {
        ...place(table, row as never, 'peak_memory_gb'),
        recomputed: `at least ${smaller.memory.text} (r = ${smaller.rank}, ${TABLES[smaller.table].title})`,
        rule: 'memory does not fall as the rank grows',
        verdict: verdictOf((memory.value ?? 0) >= (smaller.memory.value ?? 0)),
        uses: cells(smaller.table, smaller.row as never, ['peak_memory_gb']),
      };
    });
  });
}

function passes(table: 'table19_layer_cost' | 'table20_block_cost', row: Row<'table19_layer_cost'>): Finding {
  const holds = (row.peak_memory_bp_gb.value ?? 0) >= numberOf(row.peak_memory_fp_gb);
  return {
    ...place(table, row, ['peak_memory_fp_gb', 'peak_memory_bp_gb']),
    recomputed: `backward at least ${row.peak_memory_fp_gb.text}`,
    rule: 'the backward pass starts with what the forward pass kept',
    verdict: verdictOf(holds),
    ...noted(),
    uses: [],
  };
}
