/** Method comparison: test scores, a row for each method, with what it trains. */
import type { Comparison, RunGroup } from '../groups.ts';
import type { ParameterCounts, RunRecord } from '../schema.ts';
import { completed, formatCount, formatSpread, spreadOf, testScore } from '../summary.ts';
import {
  type ChartSpecification,
  chartOf,
  domainOf,
  labelsOf,
  type Panel,
  panelTitle,
} from './specification.ts';
import { styleScales } from './theme.ts';

/** Of the plot, in pixels; figures stand to its right, in a column. */
const WIDTH = 400;

/**
 * Every seed's score is a ring, the mean a bar, its figure in the column beside, a published score a diamond. Rows are in
 * the order of their means, best first.
 * @throws Error as {@link chartOf}
 */
export function methodComparison(records: readonly RunRecord[]): ChartSpecification {
  return chartOf(records, 'method comparison', panelOf);
}

function panelOf(comparison: Comparison): Panel {
  const colours = styleScales(labelsOf(comparison.groups)).color;
  const rows = comparison.groups
    .map((group) => rowOf(group, comparison.metric))
    .sort((a, b) => b.mean - a.mean);
  const sort = rows.map(({ row }) => row);
  const scores = rows.flatMap(({ row, method, seeds }) => seeds.map((one) => ({ row, method, ...one })));
  const references = rows.flatMap(({ row, method, reference }) =>
    reference === undefined ? [] : [{ row, method, score: reference }],
  );
  const y = {
    field: 'row',
    type: 'nominal',
    sort,
    axis: {
      title: null,
      labelExpr: "split(datum.label, '\\n')",
      labelLimit: 0,
      domain: false,
      ticks: false,
      labelPadding: 10,
      grid: true,
    },
  };
  const x = {
    field: 'score',
    type: 'quantitative',
    axis: { title: `${comparison.metric}, test split`, tickCount: 6 },
    scale: { domain: domainOf([...scores, ...references].map(({ score }) => score)), nice: true },
  };
  const color = { field: 'method', type: 'nominal', scale: colours, legend: null };
  const layer = [
    {
      data: { values: scores },
      mark: { type: 'point', size: 60, strokeWidth: 1.5, opacity: 0.85, filled: false },
      encoding: { x, y, color },
    },
    {
      data: { values: rows.map(({ row, method, mean }) => ({ row, method, score: mean })) },
      mark: { type: 'tick', thickness: 3, size: 24 },
      encoding: { x, y, color },
    },
    {
      data: { values: rows.map(({ row, figure }) => ({ row, figure })) },
      mark: { type: 'text', align: 'left', fontSize: 11, color: '#222222' },
      encoding: { x: { value: WIDTH + 14 }, y, text: { field: 'figure', type: 'nominal' } },
    },
    ...(references.length === 0
      ? []
      : [
          {
            data: { values: references },
            mark: { type: 'point', shape: 'diamond', size: 110, filled: true, color: '#777777' },
            encoding: { x, y },
          },
        ]),
  ];
  const title = panelTitle(comparison);
  const key = `ring: one seed; bar: mean; right: mean ± standard deviation${references.length > 0 ? '; grey diamond: published' : ''}`;
  return { title: { ...title, subtitle: key }, width: WIDTH, height: { step: 46 }, layer } as Panel;
}

function rowOf(group: RunGroup, metric: string) {
  const records = completed(group);
  const seeds = records.map((record) => ({ seed: record.runInfo.seed, score: testScore(record)! }));
  const spread = spreadOf(seeds.map(({ score }) => score));
  const reference = records.find(({ referenceScore }) => referenceScore?.metric === metric)?.referenceScore;
  return {
    row: `${group.label}\n${describeParameters(records[0]!.trainInfo.parameters)}`,
    method: group.label,
    seeds,
    mean: spread.mean,
    figure: `${formatSpread(spread)} (n=${spread.n})`,
    reference: reference?.value,
  };
}

/** "81,144 + 592,130 head parameters": the head is trained by every method, so it is named apart. */
export function describeParameters({ trainable, trainableWithoutHead }: ParameterCounts): string {
  const head = trainable - trainableWithoutHead;
  const parts = [
    ...(trainableWithoutHead > 0 ? [formatCount(trainableWithoutHead)] : []),
    ...(head > 0 ? [`${formatCount(head)} head`] : []),
  ];
  return `${parts.join(' + ') || '0'} parameters`;
}
