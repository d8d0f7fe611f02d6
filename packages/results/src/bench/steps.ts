/** What a training step costs by method: its memory over batch sizes on the vision transformer, its time on one shape. */
import { BATCHES, gigabytesOf, isPlain, labelOf, TABLE_SIZES } from './measurements.ts';
import type { BenchRecord } from './schema.ts';
import { largestGroup, machineOf } from './select.ts';

/** Table 22's, which Figure 4a is of. */
const VIT = { table: 'table22', shape: 'vit' } as const;

export interface StepCost {
  readonly record: BenchRecord;
  readonly method: string;
  /** As the paper calls it, with its setting: "PSOFT r=46". */
  readonly label: string;
  /** Gigabytes, or milliseconds; absent where it could not run. */
  readonly value?: number;
}

export interface StepCosts {
  /** Of one machine, in the order of their labels. */
  readonly costs: readonly StepCost[];
  /** Records of the same points that were left out. */
  readonly left: number;
}

/** Peak memory, GB, of Table 22's points. */
export function memoryOverBatch(all: readonly BenchRecord[], profile: string): StepCosts {
  const sizes = TABLE_SIZES[profile]?.[VIT.table];
  if (sizes === undefined) return { costs: [], left: 0 };
  const records = all.filter(
    ({ point }) =>
      point.profile === profile &&
      point.shape === VIT.shape &&
      point.kind === 'step' &&
      BATCHES.includes(point.batch) &&
      isPlain(point, sizes),
  );
  return costsOf(records, largestGroup(records, machineOf), gigabytesOf);
}

/**
 * Time of a step, ms, of the shape and size of which the most methods were measured on one machine: on a card the best step;
 * on the CPU the time of its cores together, the least of the steps, which other work lengthens little. A record of
 * the CPU without the latter is not compared.
 */
export function stepTimes(all: readonly BenchRecord[], profile: string): StepCosts {
  const records = all.filter(
    ({ point }) => point.profile === profile && point.kind === 'step' && isPlain(point, {}),
  );
  const comparable = records.filter(
    (record) => record.measured === undefined || timeOf(record) !== undefined,
  );
  const chosen = largestGroup(
    comparable,
    (record) => ({ ...sizesOf(record), ...machineOf(record) }),
    (group) => new Set(group.filter(({ measured }) => measured).map(({ point }) => point.method)).size,
  );
  const isOfSize = (record: BenchRecord) =>
    JSON.stringify(sizesOf(record)) === JSON.stringify(sizesOf(chosen[0]!));
  return costsOf(chosen.length === 0 ? [] : records.filter(isOfSize), chosen, (_, record) => timeOf(record));
}

export const isOnCard = ({ metaInfo }: BenchRecord): boolean => metaInfo.systemInfo.accelerator !== undefined;

function timeOf(record: BenchRecord): number | undefined {
  const { measured } = record;
  return isOnCard(record) ? measured?.bestStepMilliseconds : measured?.cpuMilliseconds;
}

function sizesOf({ point: { shape, batch, length, hidden, layers } }: BenchRecord) {
  return { shape, batch, length, hidden, layers };
}

function costsOf(
  records: readonly BenchRecord[],
  chosen: readonly BenchRecord[],
  costOf: (measured: NonNullable<BenchRecord['measured']>, record: BenchRecord) => number | undefined,
): StepCosts {
  const costs = chosen.map((record): StepCost => {
    const value = record.measured && costOf(record.measured, record);
    return {
      ...{ record, method: record.point.method, label: labelOf(VIT.table, record) },
      ...(value === undefined ? {} : { value }),
    };
  });
  // The hash is of the point and the machine: no two records have the same.
  const keyOf = ({ label, record }: StepCost) =>
    `${label} ${String(record.point.batch).padStart(9)} ${record.hash}`;
  costs.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  return { costs, left: records.length - chosen.length };
}
