/** Figure 8b: the terms of the Neumann series in place of the exact Cayley map. */
import { domainOf } from '../../../charts/specification.ts';
import { spreadOf } from '../../../summary.ts';
import { machineNotes, ofOneMachine } from '../machine.ts';
import type { DrawInput, Drawing, FigureSpec } from '../model.ts';
import { chart, deviationOf, drawn, withReach } from '../parts.ts';

const TASK = 'stsb';
const SCORE = { kind: 'score', id: TASK, title: TASK, task: TASK, metric: 'pearson' } as const;
/** The series of the sweep. */
const [SERIES, EXACT] = ['Neumann', 'exact'];

export const figure8b: FigureSpec = {
  id: 'figure8b',
  title: 'Figure 8b',
  about:
    'Training speed and Pearson correlation on STS-B by the terms of the Neumann series (counted as the paper does), beside the exact Cayley map.',
  sources: [
    {
      ...{ experiment: 'nlu', id: 'figure8b', tasks: [TASK], metric: 'pearson' },
      source: { kind: 'sweep', series: [SERIES!, EXACT!] },
    },
  ],
  draw,
};

function draw({ sources: [source] }: DrawInput): Drawing {
  const all = source!.rows.flatMap((row) => row.records(TASK));
  const machine = ofOneMachine(all.filter(({ trainInfo }) => trainInfo.stepMilliseconds !== undefined));
  const points = source!.rows.flatMap((row) => {
    const score = row.value(SCORE);
    if (score === undefined) return [];
    const steps = row
      .records(TASK)
      .flatMap((record) =>
        machine?.records.includes(record) ? [record.trainInfo.stepMilliseconds as number] : [],
      );
    const terms = row.planned.varied?.numCayleyNeumannTerms;
    return [
      {
        terms: terms === undefined ? EXACT! : String(terms),
        y: score.mean,
        ...deviationOf(score),
        ...(steps.length === 0 ? {} : { milliseconds: spreadOf(steps).mean }),
      },
    ];
  });
  const exact = points.find(({ terms }) => terms === EXACT);
  const series = points.filter(({ terms }) => terms !== EXACT);
  if (series.length === 0) return { used: [] };
  const reaches = withReach(series);
  const x = {
    field: 'terms',
    type: 'nominal',
    sort: source!.rows.map(({ planned }) => String(planned.varied?.numCayleyNeumannTerms ?? EXACT)),
    axis: { title: 'terms', labelAngle: 0 },
  };
  const speeds = series.flatMap(({ terms, milliseconds }) =>
    exact?.milliseconds === undefined || milliseconds === undefined
      ? []
      : [{ terms, speed: exact.milliseconds / milliseconds }],
  );
  const speed = {
    field: 'speed',
    type: 'quantitative',
    axis: { title: 'training speed, exact = 1', tickCount: 5 },
    scale: { domain: [0, 1.15 * Math.max(1, ...speeds.map((one) => one.speed))], nice: false },
  };
  const y = {
    field: 'y',
    type: 'quantitative',
    axis: { title: 'Pearson correlation, %', tickCount: 5 },
    scale: {
      domain: domainOf([...points.map((one) => one.y), ...reaches.flatMap((one) => [one.low, one.high])]),
      nice: true,
    },
  };
  const scores = {
    width: { step: 60 },
    height: 220,
    layer: drawn([
      {
        data: { values: exact === undefined ? [] : [{ y: exact.y, text: 'exact' }] },
        mark: { type: 'rule', strokeDash: [6, 4] },
        encoding: { y },
      },
      {
        data: { values: reaches },
        mark: { type: 'rule', strokeWidth: 1.5 },
        encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' } },
      },
      {
        data: { values: series },
        mark: { type: 'point', filled: true, size: 90, opacity: 1 },
        encoding: { x, y },
      },
    ]),
  };
  const bars = {
    width: { step: 60 },
    height: 220,
    layer: drawn([
      { data: { values: speeds }, mark: { type: 'bar' }, encoding: { x, y: speed } },
      {
        data: { values: speeds },
        mark: { type: 'text', dy: -7 },
        encoding: { x, y: speed, text: { field: 'speed', format: '.2f' } },
      },
    ]),
  };
  return {
    used: all,
    chart: chart('Terms of the Neumann series', 'PSOFT; dashed: the exact Cayley map', figure8b.about, {
      spacing: 40,
      hconcat: speeds.length > 0 ? [bars, scores] : [scores],
    }),
    notes: machineNotes(machine === undefined ? [] : [machine]),
  };
}
