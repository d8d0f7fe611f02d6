/** Figures 9 and 10: angles between columns of a weight, before and after fine-tuning. */
import path from 'node:path';
import { type Angles, edgeOf } from '../../../angles/index.ts';
import { identityOf, runName, taskFolder } from '../../../identity.ts';
import type { DrawInput, Drawing, FigureSource, FigureSpec } from '../model.ts';
import { chart, drawn, LINE_LEGEND, type Part, seriesOf } from '../parts.ts';
import type { FigureRow } from '../source.ts';

const TASK = 'cola';
const TITLES: Readonly<Record<string, string>> = {
  'psoft-strict': 'PSOFT, strict',
  psoft: 'PSOFT, relaxed',
  lora: 'LoRA',
};
const SOURCE: FigureSource = {
  ...{ experiment: 'nlu', id: 'figure9', source: { kind: 'table' }, tasks: [TASK] },
  rows: Object.keys(TITLES),
};
const LOOK =
  'Pairwise angles of the first columns of a query matrix before and after fine-tuning on CoLA, and how far the angles of all adapted layers moved.';

export const figure9: FigureSpec = {
  id: 'figure9',
  title: 'Figure 9',
  about: `${LOOK} Of the principal part W_pri.`,
  ours: 'By the paper’s theorem strict PSOFT keeps every angle of it; LoRA is ours to compare with.',
  sources: [SOURCE],
  draw: (input) => draw(input, 'principal'),
};

export const figure10: FigureSpec = {
  id: 'figure10',
  title: 'Figure 10',
  about: `${LOOK} Of the whole weight.`,
  ours: 'LoRA is ours to compare with.',
  sources: [SOURCE],
  draw: (input) => draw(input, 'whole'),
};

type PartName = 'principal' | 'whole';

interface Measured {
  readonly title: string;
  readonly row: FigureRow;
  readonly angles: Angles;
}

function draw({ sources: [source], angles }: DrawInput, part: PartName): Drawing {
  const recorded = source!.rows.flatMap((row) => {
    const [record] = row.records(TASK);
    return record === undefined ? [] : [{ title: TITLES[row.key] ?? row.key, row, record }];
  });
  const own = ({ record }: (typeof recorded)[number]) => angles.get(record.runInfo.configHash);
  const rank = source!.rows.find(({ key }) => key === 'psoft')?.adapterConfig.r;
  const commands = recorded
    .filter((one) => own(one) === undefined)
    .map(({ row, record }) => {
      const folder = path.posix.join(
        'runs',
        ...taskFolder(record.runInfo).split(path.sep),
        runName(identityOf(record)),
      );
      // What has no principal part of its own is measured on PSOFT's.
      return `npx nx run results:angles ${row.adapterConfig.psoftAlpha === undefined ? `--rank=${rank} ` : ''}${folder}`;
    });
  const all = recorded.flatMap((one): (Measured & { record: (typeof one)['record'] })[] => {
    const measured = own(one);
    return measured === undefined ? [] : [{ ...one, angles: measured }];
  });
  const again =
    commands.length === 0
      ? []
      : [
          'An adapter that does not lie below runs/ any more comes back by training it again: npx nx run nlu:cola --method=METHOD --seed=SEED.',
        ];
  if (all.length === 0) return { used: [], notes: again, commands };
  const shown = all.filter((one) => isOfOneKind(one.angles, all[0]!.angles));
  const notes = shown.map(({ title, angles }) => {
    const { largest, mean, largestNormChange } = angles[part].change;
    return `${title}: largest change of an angle ${degrees(largest)}, mean ${degrees(mean)}; of a norm ${percent(largestNormChange)}.`;
  });
  const left = all.filter((one) => !shown.includes(one)).map(({ title }) => title);
  const { module, columns } = all[0]!.angles.shown;
  const first = shown[0]!.angles;
  const letter = part === 'principal' ? `W_pri, rank ${first.rank}` : 'W';
  const matrices = [
    { title: `before: ${letter}`, angles: first[part].before },
    ...shown.map(({ title, angles }) => ({ title, angles: angles[part].after })),
  ];
  return {
    used: shown.map(({ record }) => record),
    chart: chart(
      part === 'principal' ? 'Angles of the principal part' : 'Angles of the whole weight',
      `${module}, columns ${columns.map((column) => column + 1).join(', ')}; degrees`,
      part === 'principal' ? figure9.about : figure10.about,
      {
        spacing: 24,
        vconcat: [{ columns: 2, spacing: 24, concat: matrices.map(heatmap) }, distribution(shown, part)],
        resolve: { scale: { color: 'independent', strokeDash: 'independent' } },
      },
    ),
    notes: [
      ...again,
      ...notes,
      `Over ${first.modules} modules, up to ${first.columns} columns each; ${shown.length > 1 ? 'each ' : ''}of one seed.`,
      ...(left.length === 0
        ? []
        : [`Left out, for another rank, module or base model than ${shown[0]!.title}: ${left.join(', ')}.`]),
    ],
    commands,
  };
}

/** What stands beside each other was measured on the same weight. */
function isOfOneKind(one: Angles, other: Angles): boolean {
  return (
    one.rank === other.rank &&
    one.columns === other.columns &&
    one.model.fingerprint === other.model.fingerprint &&
    JSON.stringify(one.shown) === JSON.stringify(other.shown)
  );
}

function heatmap({ title, angles }: { title: string; angles: readonly (readonly number[])[] }): Part {
  const values = angles.flatMap((row, i) =>
    row.flatMap((angle, j) => (i === j ? [] : [{ row: i + 1, column: j + 1, angle }])),
  );
  const axis = { title: null, labelAngle: 0, ticks: false, domain: false };
  const x = { field: 'column', type: 'ordinal', axis };
  const y = { field: 'row', type: 'ordinal', axis };
  const color = {
    field: 'angle',
    type: 'quantitative',
    scale: { domain: [60, 90, 120], clamp: true, domainMid: 90, range: 'diverging' },
    legend: null,
  };
  return {
    title: { text: title, fontSize: 12, fontWeight: 'normal', offset: 6 },
    width: { step: 34 },
    height: { step: 22 },
    layer: [
      { data: { values }, mark: { type: 'rect' }, encoding: { x, y, color } },
      {
        data: { values },
        mark: { type: 'text', style: 'cell' },
        encoding: { x, y, text: { field: 'angle', format: '.1f' } },
      },
    ],
  };
}

/** Shares of pairs by the size of the change, on a logarithmic axis. */
function distribution(shown: readonly Measured[], part: PartName): Part {
  const values = shown.flatMap(({ title, angles }) => {
    const { histogram, pairs } = angles[part].change;
    // From the first bin that holds any to the last, with an empty one at either end.
    const [from, to] = [
      Math.max(0, histogram.findIndex((count) => count > 0) - 1),
      histogram.findLastIndex((count) => count > 0) + 1,
    ];
    return histogram
      .map((count, bin) => ({
        series: title,
        change: edgeOf(bin + 0.5),
        share: count / Math.max(pairs, 1),
        bin,
      }))
      .filter(({ bin }) => bin >= from && bin <= to)
      .map(({ bin: _, ...point }) => point);
  });
  const { color, strokeDash } = seriesOf(
    shown.map(({ title }) => title),
    LINE_LEGEND,
  );
  const x = {
    field: 'change',
    type: 'quantitative',
    scale: { type: 'log', nice: false, padding: 8 },
    axis: { title: 'change of an angle, degrees', format: '~e', tickCount: 8, grid: false },
  };
  const y = {
    field: 'share',
    type: 'quantitative',
    axis: { title: 'share of pairs', format: '.0%', tickCount: 4 },
  };
  return {
    width: 440,
    height: 150,
    layer: drawn([
      {
        data: { values },
        mark: { type: 'line', strokeWidth: 2, interpolate: 'monotone' },
        encoding: { x, y, color, strokeDash },
      },
    ]),
  };
}

const degrees = (value: number) => `${Number(value.toPrecision(2))}°`;
const percent = (value: number) => `${Number((100 * value).toPrecision(2))} %`;
