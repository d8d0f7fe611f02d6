/** Figure 8a: which modules PSOFT is inserted into. */
import { domainOf } from '../../../charts/specification.ts';
import { modulesText } from '../../tables/settings.ts';
import type { DrawInput, Drawing, FigureSpec } from '../model.ts';
import { chart, deviationOf, drawn, POINT_LEGEND, seriesOf, withReach } from '../parts.ts';

const TASK = 'gsm8k';
const COUNT = { kind: 'parameters', id: 'params', title: 'params', inMillions: false } as const;
const SCORE = { kind: 'score', id: TASK, title: TASK, task: TASK, metric: 'accuracy' } as const;

export const figure8a: FigureSpec = {
  id: 'figure8a',
  title: 'Figure 8a',
  about:
    'Accuracy on GSM8K against trained values, by the modules that PSOFT is inserted into and by its rank.',
  sources: [
    { experiment: 'math', id: 'figure8a', source: { kind: 'table' }, tasks: [TASK], metric: 'accuracy' },
  ],
  draw,
};

function draw({ sources: [source] }: DrawInput): Drawing {
  const points = source!.rows.flatMap((row) => {
    const [count, score] = [row.value(COUNT), row.value(SCORE)];
    if (count === undefined || score === undefined) return [];
    const { r: rank } = row.adapterConfig as { readonly r: number };
    const modules = modulesText(row.adapterConfig).replaceAll(';', ',');
    return [
      {
        modules,
        rank: `r=${rank}`,
        line: `r=${rank}`,
        order: rank,
        x: count.mean,
        y: score.mean,
        ...deviationOf(score),
      },
    ];
  });
  const used = source!.rows.flatMap((row) => row.records(TASK));
  if (points.length === 0) return { used };
  const ranks = [...new Map(points.map((point) => [point.rank, point.order]))]
    .sort(([, a], [, b]) => a - b)
    .map(([rank]) => rank);
  const modules = [...new Set(points.map((point) => point.modules))];
  const legend = (title: string) => ({ ...POINT_LEGEND, title });
  const { color } = seriesOf(ranks, legend('rank'), 'rank');
  // A field of its own: the legend shows points, not dashes.
  const { strokeDash } = seriesOf(ranks, null, 'line');
  const { shape } = seriesOf(modules, legend('modules'), 'modules');
  const reaches = withReach(points);
  const x = {
    field: 'x',
    type: 'quantitative',
    scale: { type: 'log', nice: false, padding: 24 },
    axis: { title: 'trained values', format: '~s', tickCount: 6, grid: false },
  };
  const y = {
    field: 'y',
    type: 'quantitative',
    scale: {
      domain: domainOf([...points.map((one) => one.y), ...reaches.flatMap((one) => [one.low, one.high])]),
    },
    axis: { title: 'accuracy on GSM8K, %', tickCount: 6 },
  };
  return {
    used,
    chart: chart('Modules that PSOFT is inserted into', 'accuracy against trained values', figure8a.about, {
      width: 440,
      height: 300,
      layer: drawn([
        {
          data: { values: points },
          mark: { type: 'line', strokeWidth: 1.5, opacity: 0.6 },
          encoding: { x, y, color, strokeDash },
        },
        {
          data: { values: reaches },
          mark: { type: 'rule', strokeWidth: 1.5 },
          encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' }, color },
        },
        {
          data: { values: points },
          mark: { type: 'point', filled: true, size: 110, opacity: 1 },
          encoding: { x, y, color, shape },
        },
      ]),
    }),
    notes: reaches.length > 0 ? ['Bars: standard deviation over seeds.'] : [],
  };
}
