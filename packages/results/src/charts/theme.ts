/** How every chart looks: on paper and screen, in colour, for colour-blind readers and in grey. */
import type { Config } from 'vega-lite';

/** Okabe and Ito's palette without its yellow, which white paper swallows. */
export const COLOURS = ['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#000000'] as const;

/** Lines differ in their dashes too, so that a grey print can be read. The first is solid. */
export const DASHES = [
  [1, 0],
  [7, 3],
  [2, 2],
  [9, 3, 2, 3],
  [4, 4],
  [12, 3],
  [5, 2, 1, 2, 1, 2],
] as const;

/** Seven colours with one dash each; then the colours again with other dashes. */
export function styleScales(labels: readonly string[]) {
  const colour = (index: number) => COLOURS[index % COLOURS.length]!;
  const dash = (index: number) => [...DASHES[(index + Math.floor(index / COLOURS.length)) % DASHES.length]!];
  return {
    color: { domain: [...labels], range: labels.map((_, index) => colour(index)) },
    strokeDash: { domain: [...labels], range: labels.map((_, index) => dash(index)) },
  };
}

const TEXT = '#222222';

export const CONFIG: Config = {
  background: '#ffffff',
  padding: 10,
  font: 'Helvetica, Arial, "Liberation Sans", "DejaVu Sans", sans-serif',
  view: { stroke: null },
  axis: {
    labelColor: TEXT,
    titleColor: TEXT,
    domainColor: '#666666',
    tickColor: '#666666',
    gridColor: '#e3e3e3',
    labelFontSize: 11,
    titleFontSize: 12,
    titleFontWeight: 'normal',
    titlePadding: 8,
  },
  legend: { labelColor: TEXT, titleColor: TEXT, labelFontSize: 11, labelLimit: 0, symbolStrokeWidth: 2.5 },
  title: {
    color: TEXT,
    subtitleColor: '#555555',
    fontSize: 14,
    fontWeight: 'bold',
    subtitleFontSize: 11,
    anchor: 'start',
    offset: 10,
    subtitlePadding: 4,
    limit: 0,
  },
};
