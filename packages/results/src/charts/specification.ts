/** What the specifications of all charts share. */
import type { TopLevelSpec } from 'vega-lite';
import { type Comparison, compareRecords, type RunGroup } from '../groups.ts';
import type { RunRecord } from '../schema.ts';
import { completed, describeSetting } from '../summary.ts';
import { CONFIG } from './theme.ts';

/** A chart as data: Vega-Lite, with all values inside. */
export type ChartSpecification = TopLevelSpec;

/** The part of a chart that shows one comparison: what `vconcat` takes. */
export type Panel = Extract<TopLevelSpec, { vconcat: unknown }>['vconcat'][number];

/**
 * One panel for each set of runs that may be compared, one below the other.
 * @throws Error for records of several profiles or tasks, and for none that completed
 */
export function chartOf(
  records: readonly RunRecord[],
  kind: string,
  panelOf: (comparison: Comparison) => Panel,
): ChartSpecification {
  const all = compareRecords(records);
  const places = new Set(all.map(placeOf));
  if (places.size > 1)
    throw new Error(`a chart shows one task of one profile, got ${[...places].join('; ')}: draw them apart`);
  const comparisons = all
    .map((comparison) => ({
      ...comparison,
      groups: comparison.groups.filter((one) => completed(one).length > 0),
    }))
    .filter(({ groups }) => groups.length > 0);
  const [first] = comparisons;
  if (first === undefined) throw new Error(`no completed run to draw among ${records.length} records`);
  const left = records.length - comparisons.flatMap(({ groups }) => groups.flatMap(completed)).length;
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    description: `${kind} of ${placeOf(first)}`,
    config: CONFIG,
    spacing: 40,
    title: {
      text: `${first.experiment}/${first.task}: ${kind}`,
      subtitle: `profile ${first.profile}${left > 0 ? `; ${left} failed or cancelled not drawn` : ''}`,
    },
    // Each panel has methods of its own.
    resolve: { scale: { color: 'independent', strokeDash: 'independent' } },
    vconcat: comparisons.map(panelOf),
  };
}

function placeOf({ experiment, task, profile }: Comparison): string {
  return `${experiment}/${task}, profile ${profile}`;
}

/** Title of one panel: what its runs have in common. */
export function panelTitle(comparison: Comparison) {
  return { text: describeSetting(comparison), fontSize: 11, fontWeight: 'normal' as const, offset: 8 };
}

export function labelsOf(groups: readonly RunGroup[]): string[] {
  return groups.map(({ label }) => label);
}

/** Limits of an axis that shows these values: never of no width, and no wider than rounding where all are equal. */
export function domainOf(values: readonly number[]): [number, number] {
  if (values.length === 0) return [0, 1];
  const low = values.reduce((a, b) => Math.min(a, b));
  const high = values.reduce((a, b) => Math.max(a, b));
  const span = Math.max(high - low, 0.02 * Math.max(Math.abs(low), Math.abs(high), 0.05));
  const centre = (low + high) / 2;
  return [centre - 0.54 * span, centre + 0.54 * span];
}
