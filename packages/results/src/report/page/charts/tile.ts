/** A small drawing of one task's mean curves: static, light, and read by the page's style sheet. */

import type { MethodStyle } from '../data/types.ts';
import { type Html, html } from '../html/markup.ts';

export interface TileLine {
  readonly key: string;
  readonly style: MethodStyle;
  readonly points: readonly { readonly epoch: number; readonly value: number }[];
}

const [WIDTH, HEIGHT] = [220, 120];
const PLOT = { left: 34, right: WIDTH - 6, top: 8, bottom: HEIGHT - 18 };

/** @returns undefined where no line has two points */
export function tile(lines: readonly TileLine[], label: string): Html | undefined {
  const drawn = lines.filter(({ points }) => points.length > 1);
  if (drawn.length === 0) return undefined;
  const all = drawn.flatMap(({ points }) => points);
  const range = (values: readonly number[]) => [Math.min(...values), Math.max(...values)] as const;
  const [first, last] = range(all.map(({ epoch }) => epoch));
  const [low, high] = range(all.map(({ value }) => value));
  const place = (share: number, from: number, to: number) => (from + share * (to - from)).toFixed(1);
  const x = (epoch: number) => place((epoch - first) / (last - first || 1), PLOT.left, PLOT.right);
  const y = (value: number) => place((value - low) / (high - low || 1), PLOT.bottom, PLOT.top);
  const path = (points: TileLine['points']) =>
    points.map(({ epoch, value }, at) => `${at === 0 ? 'M' : 'L'}${x(epoch)} ${y(value)}`).join('');
  return html`<svg class="tile" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}">${[
    low,
    high,
  ].map(
    (value) =>
      html`<path class="grid" d="M${PLOT.left} ${y(value)}H${PLOT.right}"/><text x="${PLOT.left - 4}" y="${Number(y(value)) + 3.5}" text-anchor="end">${short(value, high - low)}</text>`,
  )}<text x="${PLOT.left}" y="${HEIGHT - 4}">${first}</text><text x="${PLOT.right}" y="${HEIGHT - 4}" text-anchor="end">epoch ${last}</text>${[
    ...drawn.filter(({ key }) => key !== 'psoft'),
    ...drawn.filter(({ key }) => key === 'psoft'),
  ].map(
    ({ key, style: { family, dash }, points }) =>
      html`<path class="line family-${family}" data-method="${key}" d="${path(points)}"${dash.length > 0 && html` stroke-dasharray="${dash.join(' ')}"`}/>`,
  )}</svg>`;
}

/** As many digits as tell the two ends apart. */
function short(value: number, span: number): string {
  return value.toFixed(span >= 10 ? 0 : span >= 1 ? 1 : span >= 0.1 ? 2 : 3);
}
