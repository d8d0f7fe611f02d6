/** Table 16 as a figure: how the principal subspace is found. */
import { domainOf } from '../../../charts/specification.ts';
import { machineNotes, ofOneMachine } from '../machine.ts';
import type { DrawInput, Drawing, FigureSpec } from '../model.ts';
import { chart, drawn, LINE_LEGEND, type Part, pointsOn, seriesOf } from '../parts.ts';

const TASK = 'train';
const FULL = 'full';

export const svdInitialisation: FigureSpec = {
  id: 'table16',
  title: 'Table 16, drawn',
  about:
    'Time until the subspaces of all layers are found, and loss on held-out examples after training, by the iterations of the randomised SVD.',
  sources: [
    {
      ...{ experiment: 'commonsense', id: 'table16', tasks: [TASK] },
      source: { kind: 'sweep', series: ['low-rank', FULL] },
    },
  ],
  draw,
};

function draw({ sources: [source] }: DrawInput): Drawing {
  const machine = ofOneMachine(source!.rows.flatMap((row) => row.records(TASK)));
  if (machine === undefined) return { used: [] };
  const rows = source!.rows.flatMap((row) => {
    const { rank, psoftSvdLowrankNiter = FULL } = row.planned.varied as Readonly<
      Record<string, number | string>
    >;
    return row
      .records(TASK)
      .filter((record) => machine.records.includes(record))
      .map(({ trainInfo, runInfo: { seed } }) => ({
        ...{ series: `r=${rank}`, order: Number(rank), iterations: String(psoftSvdLowrankNiter), seed },
        ...(trainInfo.initialisationSeconds === undefined
          ? {}
          : { seconds: trainInfo.initialisationSeconds }),
        ...(trainInfo.selectionMetric === 'loss' && trainInfo.best ? { loss: trainInfo.best.value } : {}),
      }));
  });
  const ranks = [...new Map(rows.map((row) => [row.series, row.order]))].sort(([, a], [, b]) => a - b);
  const labels = ranks.map(([label]) => label);
  const { color, strokeDash } = seriesOf(labels, { ...LINE_LEGEND, title: 'rank' });
  const iterations = [...new Set(rows.map((row) => row.iterations))].sort((a, b) =>
    a === FULL ? 1 : b === FULL ? -1 : Number(a) - Number(b),
  );
  const plots = [
    plot('seconds', 'seconds at the start', true),
    plot('loss', 'loss on held-out examples', false),
  ].filter((one) => one !== undefined);

  function plot(field: 'seconds' | 'loss', title: string, isLog: boolean): Part | undefined {
    // A log axis has no place for a time of 0.
    const values = rows.filter((row) => row[field] !== undefined && (!isLog || row[field] > 0));
    if (values.length === 0) return undefined;
    const x = {
      field: 'iterations',
      type: 'nominal',
      sort: iterations,
      axis: { title: 'iterations', labelAngle: 0 },
    };
    const scale = isLog
      ? { type: 'log', nice: false, padding: 16 }
      : { domain: domainOf(values.map((row) => row[field]!)), nice: true };
    const y = { field, type: 'quantitative', aggregate: 'mean', scale, axis: { title, tickCount: 5 } };
    const { values: marked, shape } = pointsOn(values, labels);
    return {
      width: { step: 62 },
      height: 230,
      layer: drawn([
        { data: { values }, mark: { type: 'line', strokeWidth: 2 }, encoding: { x, y, color, strokeDash } },
        {
          data: { values: marked },
          mark: { type: 'point', filled: true, size: 80, opacity: 1 },
          encoding: { x, y, color, shape },
        },
      ]),
    };
  }

  if (plots.length === 0) return { used: [] };
  return {
    used: machine.records,
    chart: chart(
      'How the principal subspace is found',
      'by the iterations of the randomised SVD',
      svdInitialisation.about,
      {
        spacing: 40,
        hconcat: plots,
      },
    ),
    notes: machineNotes([machine]),
  };
}
