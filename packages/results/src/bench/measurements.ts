/** What bench records say in the cells of Tables 19 to 22. */
import type { Measurement } from '../report/tables/bench.ts';
import { rowsOfTable } from '../report/tables/rows.ts';
import { settingText } from '../report/tables/settings.ts';
import type { BenchMeasured, BenchPoint, BenchRecord } from './schema.ts';
import { largestGroup, machineOf } from './select.ts';

interface Cell {
  readonly column: string;
  value(measured: BenchMeasured): number | undefined;
}

interface BenchTable {
  readonly id: string;
  /** The cells that a record fills; none where it belongs to another table. */
  cells(record: BenchRecord): readonly Cell[];
}

const GIGA = 1e9;

/** Of the card where there is one, else of the process. */
export const gigabytesOf = ({ peakDeviceMemoryBytes, peakMemoryBytes }: BenchMeasured) =>
  (peakDeviceMemoryBytes ?? peakMemoryBytes) / GIGA;

const forwardMemory = (measured: BenchMeasured) => {
  const { peakDeviceMemoryBytes, forwardPeakDeviceMemoryBytes, forwardPeakMemoryBytes } = measured;
  const bytes = peakDeviceMemoryBytes === undefined ? forwardPeakMemoryBytes : forwardPeakDeviceMemoryBytes;
  return bytes === undefined ? undefined : bytes / GIGA;
};

const PASSES: readonly Cell[] = [
  { column: 'peak_memory_fp_gb', value: forwardMemory },
  { column: 'peak_memory_bp_gb', value: gigabytesOf },
  { column: 'runtime_fp_ms', value: ({ forwardMilliseconds }) => forwardMilliseconds },
  { column: 'runtime_bp_ms', value: ({ backwardMilliseconds }) => backwardMilliseconds },
];

const ofShape = (id: string, shape: string): BenchTable => ({
  id,
  cells: ({ point }) => (point.shape === shape && point.kind === 'passes' ? PASSES : []),
});

const ofSizes = (
  id: string,
  shape: string,
  size: 'batch' | 'length',
  columns: ReadonlyMap<number, string>,
): BenchTable => ({
  id,
  cells: ({ point }) => {
    const column = columns.get(point[size]);
    return point.shape === shape && point.kind === 'step' && column !== undefined
      ? [{ column, value: gigabytesOf }]
      : [];
  },
});

/** Of Table 22. */
export const BATCHES: readonly number[] = [16, 32, 64];

export const BENCH_TABLES: readonly BenchTable[] = [
  ofShape('table19', 'linear'),
  ofShape('table20', 'block'),
  ofSizes('table21', 'deberta', 'length', columnsOf('s', [64, 128, 256])),
  ofSizes('table22', 'vit', 'batch', columnsOf('b', BATCHES)),
];

function columnsOf(letter: string, sizes: readonly number[]): ReadonlyMap<number, string> {
  return new Map(sizes.map((size) => [size, `peak_memory_gb_${letter}${size}`]));
}

/** The sizes that a table has beside the one that its columns vary: others are trials. */
export interface TableSizes {
  readonly batch?: number;
  readonly length?: number;
  readonly hidden: number;
  readonly layers: number;
}

/** By profile and table. */
export const TABLE_SIZES: Readonly<Record<string, Readonly<Record<string, TableSizes>>>> = {
  paper: {
    table19: { batch: 64, length: 512, hidden: 4096, layers: 1 },
    table20: { batch: 32, length: 512, hidden: 4096, layers: 1 },
    table21: { batch: 64, hidden: 768, layers: 12 },
    table22: { length: 197, hidden: 768, layers: 12 },
  },
  tiny: {
    table19: { batch: 4, length: 64, hidden: 512, layers: 1 },
    table20: { batch: 4, length: 64, hidden: 512, layers: 1 },
    table21: { batch: 4, hidden: 64, layers: 2 },
    table22: { length: 197, hidden: 64, layers: 2 },
  },
};

export interface BenchMeasurements {
  readonly measured: readonly Measurement[];
  /** What the values were measured on, and what was left out, a line each. */
  readonly notes: readonly string[];
}

/**
 * The values of one table. Only what one machine measured in float32 is shown: the machine that measured the most of it,
 * of equals the one that did so last.
 */
export function benchMeasurements(
  id: string,
  profile: string,
  all: readonly BenchRecord[],
  describe: (system: BenchRecord['metaInfo']['systemInfo']) => string,
): BenchMeasurements {
  const table = BENCH_TABLES.find((one) => one.id === id);
  const sizes = TABLE_SIZES[profile]?.[id];
  if (table === undefined || sizes === undefined) return { measured: [], notes: [] };
  const records = all.filter(
    (record) =>
      record.point.profile === profile && isPlain(record.point, sizes) && table.cells(record).length > 0,
  );
  const chosen = largestGroup(records, machineOf);
  if (chosen.length === 0) return { measured: [], notes: [] };
  const left = records.length - chosen.length;
  const isDevice = chosen.some(({ measured }) => measured?.peakDeviceMemoryBytes !== undefined);
  return {
    measured: chosen.flatMap((record) => measurementsOf(id, table, record)),
    notes: [
      `Measured on ${describe(chosen[0]!.metaInfo.systemInfo)}, float32; memory is the ${isDevice ? 'card’s' : 'process’s'}.`,
      ...(chosen.some(({ point }) => point.kind === 'passes') ? [EXPLAINED] : []),
      ...(left === 0 ? [] : [`Left out: ${left} records of other machines or devices.`]),
    ],
  };
}

const EXPLAINED =
  'FP runs in a process of its own and keeps nothing for a backward pass; BP is the time of both passes less FP, and the memory of both. Times are the best of the passes, where the paper has means of 100.';

/** At these sizes, in float32, nothing computed twice and no gradients accumulated. */
export function isPlain(point: BenchPoint, sizes: Partial<TableSizes>): boolean {
  const isOwn = Object.entries(sizes).every(([key, value]) => point[key as keyof TableSizes] === value);
  const isFloat = point.precision === 'f32' && point.weights === 'F32';
  return isOwn && isFloat && point.recompute !== true && point.accumulate === undefined;
}

function measurementsOf(id: string, table: BenchTable, record: BenchRecord): Measurement[] {
  const { measured, unavailable } = record;
  const row = labelOf(id, record);
  return table.cells(record).flatMap(({ column, value }): Measurement[] => {
    if (measured === undefined) return [{ table: id, row, column, unavailable: unavailable! }];
    const mean = value(measured);
    return mean === undefined ? [] : [{ table: id, row, column, mean, n: measured.passes }];
  });
}

/** As the paper calls the row where it has it, else by the method and its setting. */
export function labelOf(id: string, { point }: Pick<BenchRecord, 'point'>): string {
  const { method, adapter } = point;
  const setting = settingText(method, adapter);
  const known = rowsOfTable(id).filter(({ ours }) => ours === method);
  const exact = known.find(({ paper }) => paper.split(' ').slice(1).join(' ') === setting);
  return exact?.paper ?? [TITLES[method] ?? method, setting].filter((part) => part !== '').join(' ');
}

/** Of methods that these tables of the paper lack. */
const TITLES: Readonly<Record<string, string>> = {
  psoft: 'PSOFT',
  boft: 'BOFT',
  oft: 'OFTv2',
  lora: 'LoRA',
  pissa: 'PiSSA',
  dora: 'DoRA',
  vera: 'VeRA',
  'lora-xs': 'LoRA-XS',
  svft: 'SVFT',
  full: 'FFT',
  head: 'Head only',
};
