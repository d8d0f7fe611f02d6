/** Frontiers and figures, when they come into sight. */
import { fillFrontier, labelFrontier } from '../charts/fillFrontier.ts';
import type { FigureChart, FrontierChart } from '../data/types.ts';
import { draw, whenSeen } from './chart.ts';
import { data } from './data.ts';
import { one } from './dom.ts';

export function startCharts(): void {
  for (const chart of data.frontiers) startFrontier(chart);
  for (const figure of data.figures) startFigure(figure);
}

function startFrontier(chart: FrontierChart): void {
  const place = one(`[data-chart="${chart.id}"] .drawing`);
  whenSeen(place, () => {
    void draw(data.templates.frontier, place, {
      label: `${chart.scoreTitle} against ${chart.costTitle}`,
      fits: true,
      prepare: (view) => fillFrontier(view, chart),
      sized: (view) => labelFrontier(view, chart),
    });
  });
}

/** As large as it was made; on a narrow page it shrinks as the static drawing does. */
function startFigure({ id, spec }: FigureChart): void {
  const place = one(`[data-chart="${id}"] .drawing`);
  const label = place.querySelector('svg')?.getAttribute('aria-label') ?? id;
  whenSeen(place, () => void draw(spec, place, { label, fits: false }));
}
