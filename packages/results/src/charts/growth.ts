/** How a step's cost grows: a panel for each size that varies, time above memory, what is fitted as a line. */
import { AXES, AXIS_TITLES, type GrowthSeries } from '../bench/growthReport.ts';
import type { ChartSpecification } from './specification.ts';
import { CONFIG, styleScales } from './theme.ts';

interface Cost {
  readonly title: string;
  /** Of the unit that is shown. */
  readonly scale: number;
  /** Time grows as a power, which is straight where both axes are logarithmic; memory from an offset. */
  readonly isLogarithmic: boolean;
  points(series: GrowthSeries): GrowthSeries['time'];
  fitted(series: GrowthSeries, x: number): number;
}

const COSTS: readonly Cost[] = [
  {
    title: 'step, ms',
    scale: 1,
    isLogarithmic: true,
    points: ({ time }) => time,
    fitted: ({ timePower: { factor, exponent } }, x) => factor * x ** exponent,
  },
  {
    title: 'memory, MB',
    scale: 1e6,
    isLogarithmic: false,
    points: ({ memory }) => memory,
    fitted: ({ memoryLine: { offset, slope } }, x) => offset + slope * x,
  },
];

/** Places at which a fit is drawn. */
const STEPS = 24;

/** @throws Error for no series */
export function growthChart(series: readonly GrowthSeries[], subtitle: string): ChartSpecification {
  if (series.length === 0) throw new Error('nothing to draw: no size was measured at three values');
  const scales = styleScales([...new Set(series.map(({ method }) => method))]);
  const axes = AXES.filter((axis) => series.some((one) => one.axis === axis));
  const panels = COSTS.flatMap((cost) =>
    axes.map((axis) =>
      panelOf(
        cost,
        axis,
        series.filter((one) => one.axis === axis),
        scales,
      ),
    ),
  );
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    description: 'Time and memory of a training step over rank, batch, sequence, depth and width.',
    config: CONFIG,
    title: { text: 'How the cost of a step grows', subtitle },
    columns: axes.length,
    spacing: { row: 30, column: 34 },
    resolve: { scale: { color: 'shared', strokeDash: 'shared' } },
    concat: panels,
  } as ChartSpecification;
}

function panelOf(
  cost: Cost,
  axis: (typeof AXES)[number],
  series: readonly GrowthSeries[],
  scales: ReturnType<typeof styleScales>,
) {
  const { title, scale, isLogarithmic } = cost;
  const measured = series.flatMap((one) =>
    cost.points(one).map(({ x, y }) => ({ method: one.method, x, y: y / scale })),
  );
  const fitted = series.flatMap((one) => {
    const xs = cost.points(one).map(({ x }) => x);
    const [low, high] = [Math.min(...xs), Math.max(...xs)];
    return Array.from({ length: STEPS + 1 }, (_, i) => {
      const x = low * (high / low) ** (i / STEPS);
      return { method: one.method, x, y: cost.fitted(one, x) / scale };
    });
  });
  const legend = { title: null, orient: 'bottom' };
  const values = [...new Set(measured.map(({ x }) => x))].sort((a, b) => a - b);
  const encoding = {
    x: {
      field: 'x',
      type: 'quantitative',
      scale: { type: 'log', nice: false, padding: 8 },
      axis: { title: AXIS_TITLES[axis], values, grid: false, labelOverlap: true, format: 'd' },
    },
    y: {
      field: 'y',
      type: 'quantitative',
      scale: isLogarithmic ? { type: 'log', nice: true } : { zero: true },
      axis: { title, tickCount: 5, format: '~s' },
    },
    color: { field: 'method', type: 'nominal', scale: scales.color, legend },
  };
  const strokeDash = { field: 'method', type: 'nominal', scale: scales.strokeDash, legend };
  return {
    width: 150,
    height: 140,
    layer: [
      {
        data: { values: fitted },
        mark: { type: 'line', strokeWidth: 1.5 },
        encoding: { ...encoding, strokeDash },
      },
      { data: { values: measured }, mark: { type: 'circle', size: 42, opacity: 1 }, encoding },
    ],
  };
}
