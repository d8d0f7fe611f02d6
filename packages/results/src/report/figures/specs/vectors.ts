/** Figure 3: which of PSOFT's scaling vectors are trained. */
import { domainOf } from '../../../charts/specification.ts';
import type { DrawInput, Drawing, FigureSpec } from '../model.ts';
import {
  chart,
  deviationOf,
  drawn,
  OURS,
  PAPER,
  POINT_LEGEND,
  seriesOf,
  sourcesText,
  withReach,
} from '../parts.ts';

/** In the paper's order: our entries, its rows. The paper's alpha is on the input side of R. */
const VARIANTS = [
  ['psoft-r64-none', 'none', 'none'],
  ['psoft-r64-alpha', 'alpha_only', 'only α'],
  ['psoft-r64-beta', 'beta_only', 'only β'],
  ['psoft-r64', 'alpha_and_beta', 'α and β'],
] as const;
const TASK = 'gsm8k';

export const figure3: FigureSpec = {
  id: 'figure3',
  title: 'Figure 3',
  about:
    'Accuracy on GSM8K by which of the vectors α (input side of R) and β (output side) PSOFT trains, rank 64, all linear layers.',
  sources: [
    {
      ...{ experiment: 'math', id: 'figure3', source: { kind: 'table' }, tasks: [TASK], metric: 'accuracy' },
      rows: VARIANTS.map(([key]) => key),
    },
  ],
  draw,
};

function draw({ isPaper, paper, sources: [source] }: DrawInput): Drawing {
  const titles = VARIANTS.map(([, , title]) => title);
  const ours = VARIANTS.flatMap(([key, , title]) => {
    const row = source!.rows.find((one) => one.key === key);
    const score = row?.value({ kind: 'score', id: TASK, title: TASK, task: TASK, metric: 'accuracy' });
    if (score === undefined) return [];
    return [{ series: OURS, x: title, y: score.mean, ...deviationOf(score) }];
  });
  const printed = VARIANTS.flatMap(([, label, title]) => {
    const row = isPaper ? paper.figure3_tunable_vectors.find(({ variant }) => variant === label) : undefined;
    const value = row?.gsm8k.value;
    return value === undefined ? [] : [{ series: PAPER, x: title, y: value }];
  });
  const points = [...ours, ...printed];
  const used = source!.rows.flatMap((row) => row.records(TASK));
  if (points.length === 0) return { used };
  const reaches = withReach(ours);
  const series = [OURS, PAPER].filter((name) => points.some((point) => point.series === name));
  const { color, shape } = seriesOf([OURS, PAPER], series.length > 1 ? POINT_LEGEND : null);
  const x = { field: 'x', type: 'nominal', sort: titles, axis: { title: 'trained vectors', labelAngle: 0 } };
  const reach = [...points.map(({ y }) => y), ...reaches.flatMap(({ low, high }) => [low, high])];
  const y = {
    field: 'y',
    type: 'quantitative',
    axis: { title: 'accuracy on GSM8K, %', tickCount: 6 },
    scale: { domain: domainOf(reach), nice: true },
  };
  const encoding = { x, y, color, shape, xOffset: { field: 'series', scale: { domain: series } } };
  return {
    used,
    chart: chart(
      'Which scaling vectors are trained',
      `PSOFT, rank 64, all linear layers${sourcesText(series)}`,
      figure3.about,
      {
        width: 420,
        height: 260,
        layer: drawn([
          {
            data: { values: reaches },
            mark: { type: 'rule', strokeWidth: 1.5 },
            encoding: { ...encoding, shape: undefined, y: { ...y, field: 'low' }, y2: { field: 'high' } },
          },
          {
            data: { values: points },
            mark: { type: 'point', filled: true, size: 110, opacity: 1 },
            encoding,
          },
          {
            data: { values: points },
            mark: { type: 'text', align: 'left', dx: 9 },
            encoding: { x, y, xOffset: encoding.xOffset, text: { field: 'y', format: '.2f' } },
          },
        ]),
      },
    ),
    notes: reaches.length > 0 ? ['Bars: standard deviation over seeds.'] : [],
  };
}
