/** Learning curves of what stands in an experiment's main table, by the task that was trained. */
import type { RunRecord } from '../../../schema.ts';
import type { TableRuns } from './selection.ts';
import type { CurveSet } from './types.ts';

/** @param place of a record among the page's runs */
export function curveSets({ table, trainings }: TableRuns, place: (record: RunRecord) => number): CurveSet[] {
  const byTask = new Map<string, Map<string, RunRecord[]>>();
  for (const { key } of table.rows)
    for (const record of trainings.get(key) ?? []) {
      if (record.trainInfo.metrics.length === 0) continue;
      const task = record.runInfo.task;
      const methods = byTask.get(task) ?? new Map<string, RunRecord[]>();
      byTask.set(task, methods.set(key, [...(methods.get(key) ?? []), record]));
    }
  return [...byTask].map(([task, methods]): CurveSet => {
    const [first] = methods.values();
    const metric = first![0]!.trainInfo.selectionMetric;
    return {
      id: `curve-${table.profile}-${table.experiment}-${task}`,
      profile: table.profile,
      experiment: table.experiment,
      task,
      columns: [`selection.${metric}`, 'trainLoss'],
      methods: [...methods].map(([key, records]) => ({
        key,
        label: table.rows.find((row) => row.key === key)!.method,
        runs: records.map(place),
      })),
    };
  });
}

/** Means at the epochs that every seed reached: over fewer seeds a line would jump. */
export function meanCurve(
  columns: readonly {
    readonly epoch: readonly (number | null)[];
    readonly value: readonly (number | null)[];
  }[],
): { epoch: number; value: number }[] {
  const byEpoch = new Map<number, number[]>();
  for (const { epoch, value } of columns)
    for (const [at, one] of epoch.entries()) {
      const seen = value[at];
      if (one === null || seen === null || seen === undefined) continue;
      byEpoch.set(one, [...(byEpoch.get(one) ?? []), seen]);
    }
  return [...byEpoch]
    .filter(([, values]) => values.length === columns.length)
    .sort(([a], [b]) => a - b)
    .map(([epoch, values]) => ({ epoch, value: values.reduce((a, b) => a + b, 0) / values.length }));
}
