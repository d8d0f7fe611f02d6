/** What the specifications of figures share. */
import { DASHES } from '../../charts/theme.ts';
import type { ThemelessChart } from './model.ts';

/** Marks that differ without colour too. */
export const SHAPES = [
  ...['circle', 'square', 'triangle-up', 'diamond', 'cross', 'triangle-down', 'triangle-right'],
] as const;

/** The two series of figures of which the paper prints the values. */
export const OURS = 'this project';
export const PAPER = 'paper';

/** Says so where one of them stands alone. */
export const sourcesText = (series: readonly string[]): string =>
  series.length === 1 && series[0] === PAPER ? "; the paper's values" : '';

/** Any part of a specification: Vega-Lite checks it when it is drawn. */
export type Part = Readonly<Record<string, unknown>>;

export function chart(title: string, subtitle: string, description: string, body: Part): ThemelessChart {
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    description,
    title: { text: title, subtitle },
    ...body,
  } as unknown as ThemelessChart;
}

/**
 * The encodings that tell series apart: colours of the theme in their order, then again with other dashes and shapes.
 * @param legend of its own, or none
 */
export function seriesOf(labels: readonly string[], legend: Part | null, field = 'series') {
  const of = <T>(all: readonly T[]) =>
    labels.map((_, index) => all[(index + Math.floor(index / all.length)) % all.length]!);
  const scale = (range?: readonly unknown[]) => ({ domain: [...labels], ...(range && { range }) });
  const encoding = (range?: readonly unknown[]) => ({ field, type: 'nominal', scale: scale(range), legend });
  return {
    color: encoding(),
    strokeDash: encoding(of(DASHES).map((dash) => [...dash])),
    shape: encoding(of(SHAPES)),
  };
}

/**
 * Points on the lines of {@link seriesOf}, whose legend shows the lines. The marks have a field of their own, for legends
 * of one field are one.
 */
export function pointsOn<V extends { readonly series: string }>(
  values: readonly V[],
  labels: readonly string[],
) {
  const { shape } = seriesOf(labels, null, 'symbol');
  return { values: values.map((value) => ({ ...value, symbol: value.series })), shape };
}

/** A piece of the line. */
export const LINE_LEGEND: Part = {
  title: null,
  orient: 'right',
  symbolType: 'stroke',
  symbolSize: 700,
  symbolOpacity: 1,
  symbolFillColor: 'transparent',
};

export const POINT_LEGEND: Part = { title: null, orient: 'right', symbolSize: 90, symbolOpacity: 1 };

/** A layer with its own values; none is drawn without any, for an axis of no values has no limits. */
export interface Layer extends Part {
  readonly data: { readonly values: readonly unknown[] };
}

export const drawn = (layers: readonly Layer[]): Layer[] =>
  layers.filter(({ data }) => data.values.length > 0);

export function withReach<P extends { readonly y: number; readonly deviation?: number }>(
  points: readonly P[],
) {
  return points.flatMap((point) =>
    point.deviation === undefined
      ? []
      : [{ ...point, low: point.y - point.deviation, high: point.y + point.deviation }],
  );
}

/** Deviation of a spread, where there is one. */
export const deviationOf = ({ standardDeviation }: { readonly standardDeviation?: number }) =>
  standardDeviation === undefined ? {} : { deviation: standardDeviation };

/** The axis of methods beside horizontal bars, in the bars' order. */
export const methodAxis = (bars: readonly { readonly method: string }[]): Part => ({
  field: 'method',
  type: 'nominal',
  sort: bars.map(({ method }) => method),
  axis: { title: null, ticks: false, domain: false },
});
