/** Learning curves: the selection metric and the training loss by epoch, a line for each method. */
import type { Comparison, RunGroup } from '../groups.ts';
import type { EpochMetrics, RunRecord } from '../schema.ts';
import { completed, spreadOf } from '../summary.ts';
import {
  type ChartSpecification,
  chartOf,
  domainOf,
  labelsOf,
  type Panel,
  panelTitle,
} from './specification.ts';
import { styleScales } from './theme.ts';

/** A piece of the line, as it is drawn. */
const LEGEND = {
  title: null,
  orient: 'bottom',
  columns: 3,
  symbolType: 'stroke',
  symbolSize: 900,
  symbolOpacity: 1,
  symbolFillColor: 'transparent',
};

/**
 * A bold line is the mean over seeds, the thin lines are the seeds; with one seed there is one line.
 * @throws Error as {@link chartOf}
 */
export function learningCurves(records: readonly RunRecord[]): ChartSpecification {
  return chartOf(records, 'learning curves', panelOf);
}

function panelOf(comparison: Comparison): Panel {
  const { groups, metric } = comparison;
  const plots = [
    curves(groups, `${metric}, selection split`, ({ selection }) => selection[metric]),
    curves(groups, 'training loss', ({ trainLoss }) => trainLoss),
  ].filter(({ layer }) => layer.length > 0);
  return { title: panelTitle(comparison), spacing: 30, hconcat: plots } as Panel;
}

function curves(groups: readonly RunGroup[], title: string, read: (row: EpochMetrics) => number | undefined) {
  const scales = styleScales(labelsOf(groups));
  const seeds = groups.flatMap((group) => seedPoints(group, read));
  const means = groups.flatMap((group) => meanPoints(group, read));
  const x = {
    field: 'epoch',
    type: 'quantitative',
    axis: { title: 'epoch', format: 'd', tickMinStep: 1, grid: false, labelFlush: false },
    scale: { zero: false, nice: false, padding: 8 },
  };
  const y = {
    field: 'value',
    type: 'quantitative',
    axis: { title, tickCount: 6 },
    scale: { domain: domainOf([...seeds, ...means].map(({ value }) => value)), nice: true },
  };
  const color = { field: 'method', type: 'nominal', scale: scales.color, legend: LEGEND };
  const strokeDash = { field: 'method', type: 'nominal', scale: scales.strokeDash, legend: LEGEND };
  const layer = [
    {
      data: { values: seeds },
      mark: { type: 'line', strokeWidth: 1, opacity: 0.4 },
      encoding: { x, y, color, strokeDash, detail: { field: 'seed', type: 'nominal' } },
    },
    {
      data: { values: means },
      mark: { type: 'line', strokeWidth: 2.5 },
      encoding: { x, y, color, strokeDash },
    },
    { data: { values: means }, mark: { type: 'circle', size: 28, opacity: 1 }, encoding: { x, y, color } },
  ];
  // An axis has no limits where a layer has no values.
  return { width: 330, height: 230, layer: layer.filter(({ data }) => data.values.length > 0) };
}

/** Every seed's points; none for a single seed, whose line is the mean's. */
function seedPoints(group: RunGroup, read: (row: EpochMetrics) => number | undefined) {
  const records = completed(group);
  if (records.length === 1) return [];
  return records.flatMap(({ runInfo: { seed }, trainInfo: { metrics } }) =>
    metrics.flatMap((row) => {
      const value = read(row);
      return value === undefined ? [] : [{ method: group.label, seed, epoch: row.epoch, value }];
    }),
  );
}

/** Means at the epochs that every seed reached: over fewer seeds the line would jump. */
function meanPoints(group: RunGroup, read: (row: EpochMetrics) => number | undefined) {
  const records = completed(group);
  const byEpoch = new Map<number, number[]>();
  for (const { trainInfo } of records)
    for (const row of trainInfo.metrics) {
      const value = read(row);
      if (value !== undefined) byEpoch.set(row.epoch, [...(byEpoch.get(row.epoch) ?? []), value]);
    }
  return [...byEpoch]
    .filter(([, values]) => values.length === records.length)
    .sort(([a], [b]) => a - b)
    .map(([epoch, values]) => ({ method: group.label, epoch, value: spreadOf(values).mean }));
}
