/** The data of a frontier in a view of its template, here and in the browser. */
import type { View } from 'vega';
import type { FrontierChart } from '../data/types.ts';
import { rangeOf } from './frame.ts';
import { type Box, placeLabels } from './placeLabels.ts';

export function fillFrontier(
  view: View,
  { points, front, levels, costTitle, scoreTitle, ticks }: FrontierChart,
): void {
  const reach = rangeOf(points.flatMap(({ low, high }) => [low, high]));
  // A level far below would press everything else against the top: it stands at the bottom, with an arrow.
  const span = reach[1] - reach[0] || 1;
  const shown = levels.map(({ score, label }) =>
    score < reach[0] - 0.5 * span ? { score: reach[0] - 0.06 * span, label: `↓ ${label}` } : { score, label },
  );
  const copies = (rows: readonly object[]) => rows.map((row) => ({ ...row }));
  view.data('points', copies(points)).data('front', copies(front)).data('levels', shown);
  view.signal('costTitle', costTitle).signal('scoreTitle', scoreTitle).signal('ticks', ticks);
  view.signal('costRange', rangeOf(points.map(({ cost }) => cost)));
  view.signal('scoreRange', rangeOf([...reach, ...shown.map(({ score }) => score)]));
}

/** Once the view has run, and again when its size has changed: only then are there places. */
export function labelFrontier(view: View, { points, front }: FrontierChart): void {
  const [x, y] = [view.scale('x'), view.scale('y')] as ((value: number) => number)[];
  const marks = points.map(({ label, cost, score, isOurs }) => ({
    label,
    x: x!(cost),
    y: y!(score),
    radius: isOurs ? 8 : 5,
    isOurs,
  }));
  const steps = front.slice(1).flatMap(({ cost, score }, at): Box[] => {
    const before = front[at]!;
    const [left, right] = [x!(before.cost), x!(cost)];
    const [level, next] = [y!(before.score), y!(score)];
    return [
      { left, right, top: level - 1, bottom: level + 1 },
      { left: right - 1, right: right + 1, top: Math.min(level, next), bottom: Math.max(level, next) },
    ];
  });
  const bars = points.map(
    ({ cost, low, high }): Box => ({
      left: x!(cost) - 1,
      right: x!(cost) + 1,
      top: y!(high),
      bottom: y!(low),
    }),
  );
  const [width, height] = [view.signal('width'), view.signal('height')] as number[];
  view.data(
    'labels',
    placeLabels(marks, { width: width!, height: height!, margin: 8, taken: [...steps, ...bars] }),
  );
}
