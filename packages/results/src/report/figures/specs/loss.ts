/** Figure 11: training loss over epochs. */
import { domainOf } from '../../../charts/specification.ts';
import { spreadOf } from '../../../summary.ts';
import type { DrawInput, Drawing, FigureSpec } from '../model.ts';
import { chart, drawn, LINE_LEGEND, pointsOn, seriesOf } from '../parts.ts';
import type { FigureRow } from '../source.ts';

const TASK = 'cola';

export const figure11: FigureSpec = {
  id: 'figure11',
  title: 'Figure 11',
  about: 'Training loss on CoLA over epochs: PSOFT of several ranks and other orthogonal methods.',
  ours: 'OFTv1, which the paper shows as well, is not offered.',
  sources: [
    {
      ...{ experiment: 'nlu', id: 'figure11', tasks: [TASK] },
      source: { kind: 'sweep', series: ['PSOFT'] },
    },
  ],
  draw,
};

function draw({ sources: [source] }: DrawInput): Drawing {
  const curves = source!.rows
    .map((row) => ({ label: [row.method, row.setting].filter((part) => part !== '').join(' '), row }))
    .map(({ label, row }) => ({
      label,
      points: meanLosses(row).map((point) => ({ series: label, ...point })),
    }))
    .filter(({ points }) => points.length > 0);
  const used = source!.rows.flatMap((row) => row.records(TASK));
  if (curves.length === 0) return { used };
  const values = curves.flatMap(({ points }) => points);
  const labels = curves.map(({ label }) => label);
  const { color, strokeDash } = seriesOf(labels, LINE_LEGEND);
  const { values: marked, shape } = pointsOn(values, labels);
  const x = {
    field: 'epoch',
    type: 'quantitative',
    axis: { title: 'epoch', format: 'd', tickMinStep: 1, grid: false },
    scale: { zero: false, nice: false, padding: 8 },
  };
  const y = {
    field: 'loss',
    type: 'quantitative',
    axis: { title: 'training loss', tickCount: 6 },
    scale: {
      domain: domainOf([0, ...values.map(({ loss }) => loss)]).map((edge) => Math.max(0, edge)),
      nice: true,
    },
  };
  return {
    used,
    chart: chart('Loss curves', 'training loss on CoLA', figure11.about, {
      width: 460,
      height: 320,
      layer: drawn([
        { data: { values }, mark: { type: 'line', strokeWidth: 2 }, encoding: { x, y, color, strokeDash } },
        {
          data: { values: marked },
          mark: { type: 'point', filled: true, size: 45, opacity: 1 },
          encoding: { x, y, color, shape },
        },
      ]),
    }),
  };
}

/** At the epochs that every seed reached. */
function meanLosses(row: FigureRow): { epoch: number; loss: number }[] {
  const records = row.records(TASK);
  const byEpoch = new Map<number, number[]>();
  for (const { trainInfo } of records)
    for (const { epoch, trainLoss } of trainInfo.metrics)
      if (trainLoss !== undefined) byEpoch.set(epoch, [...(byEpoch.get(epoch) ?? []), trainLoss]);
  return [...byEpoch]
    .filter(([, losses]) => losses.length === records.length)
    .sort(([a], [b]) => a - b)
    .map(([epoch, losses]) => ({ epoch, loss: spreadOf(losses).mean }));
}
