/** Figure 4b: training speed by method, relative to the slowest; of benches, else of runs. */

import type { Paper } from '../../../paper/index.ts';
import { OUT_OF_MEMORY } from '../../../paper/printed.ts';
import type { RunRecord } from '../../../schema.ts';
import { spreadOf } from '../../../summary.ts';
import { machineNotes, type OneMachine, ofOneMachine } from '../machine.ts';
import type { BenchDrawing, BenchInput, DrawInput, Drawing, FigureSource, FigureSpec } from '../model.ts';
import { chart, drawn, OURS, PAPER, type Part, seriesOf, sourcesText } from '../parts.ts';
import type { SourceRecords } from '../source.ts';
import { drawSpeed, SPEED_TARGET } from './speedBench.ts';

/** The panels: as the paper calls them, and the tables whose runs are these. In both the methods stand from slow to fast. */
const PANELS: readonly { model: string; modules: string; source: FigureSource }[] = [
  panel('LLaMA-3.2-3B', 'Q;K;V', 'math', 'table13', 'gsm8k', [
    'qgoft-qkv',
    'goft-qkv',
    'boft-qkv',
    'psoft-qkv',
  ]),
  panel('LLaMA-3.2-3B', 'Q;K;V;U;D;O;G', 'math', 'table4', 'gsm8k', [
    ...['qgoft', 'goft', 'boft', 'dora', 'psoft', 'lora'],
  ]),
  panel('LLaMA-3.1-8B', 'Q;V', 'commonsense', 'table15', 'boolq', [
    ...['qgoft-qv', 'goft-qv', 'boft-qv', 'psoft-qv-r194'],
  ]),
  panel('LLaMA-3.1-8B', 'Q;K;V;U;D', 'commonsense', 'table5', 'boolq', [
    ...['qgoft', 'goft', 'boft', 'dora', 'psoft', 'lora'],
  ]),
];

function panel(model: string, modules: string, experiment: string, id: string, task: string, rows: string[]) {
  const source: FigureSource = { experiment, id, source: { kind: 'table' }, tasks: [task], rows };
  return { model, modules, source };
}

export const figure4b: FigureSpec = {
  id: 'figure4b',
  title: 'Figure 4b',
  about: 'Training speed of each method relative to the slowest that runs in the same setting.',
  ours: 'Ours, for want of bench records: the inverse of the median time of a training step, of runs on one machine.',
  sources: PANELS.map(({ source }) => source),
  benchTarget: SPEED_TARGET,
  draw,
  drawBenches,
};

interface Bar {
  readonly series: string;
  readonly method: string;
  readonly speed: number;
}

function draw({ isPaper, paper, sources }: DrawInput): Drawing {
  const panels = PANELS.map(({ model, modules }, index) => {
    const ours = measured(sources[index]!);
    const { printed, outOfMemory } = isPaper ? printedOf(paper, model, modules) : NOTHING;
    const name = isPaper
      ? model
      : [...new Set(ours.used.map(({ metaInfo }) => metaInfo.modelInfo.name))].join(', ');
    return {
      title: titleOf(name, modules),
      ...ours,
      bars: [...ours.bars, ...printed],
      outOfMemory,
    };
  }).filter(({ bars }) => bars.length > 0);
  const used = panels.flatMap((one) => one.used);
  if (panels.length === 0) return { used };
  const machines = panels.flatMap(({ machine }) => machine ?? []);
  const series = [OURS, PAPER].filter((name) =>
    panels.some(({ bars }) => bars.some((one) => one.series === name)),
  );
  return {
    used,
    chart: together(
      panels.map((one) => drawPanel(one, series)),
      sourcesText(series),
    ),
    notes: machineNotes(machines),
  };
}

/** The panel of the benches, then in the paper's profile the paper's with its values. */
function drawBenches(input: BenchInput): BenchDrawing | undefined {
  const drawing = drawSpeed(input);
  if (drawing === undefined) return undefined;
  const { panel: own, ...rest } = drawing;
  const printed = PANELS.map(({ model, modules }) => {
    const { printed: bars, outOfMemory } = printedOf(input.paper, model, modules);
    return drawPanel({ title: titleOf(model, modules, '; the paper'), bars, outOfMemory }, [PAPER]);
  });
  return { ...rest, chart: together([own, ...(input.isPaper ? printed : [])], '') };
}

const NOTHING: ReturnType<typeof printedOf> = { printed: [], outOfMemory: [] };
const titleOf = (name: string, modules: string, more = '') =>
  `${name}: ${modules.replaceAll(';', ', ')}${more}`;

function printedOf(paper: Paper, model: string, modules: string) {
  const rows = paper.figure4b_training_speed.filter(
    (row) => row.model === model && row.modules.join(';') === modules,
  );
  return {
    printed: rows.flatMap(({ method, relative_speed: { value } }): Bar[] =>
      value === undefined ? [] : [{ series: PAPER, method, speed: value }],
    ),
    outOfMemory: rows
      .filter(({ relative_speed }) => relative_speed.text === OUT_OF_MEMORY)
      .map(({ method }) => ({ series: PAPER, method, speed: 0, text: OUT_OF_MEMORY })),
  };
}

function together(panels: readonly Part[], whose: string) {
  return chart('Training speed', `relative to the slowest method of each panel${whose}`, figure4b.about, {
    columns: 2,
    // Titles in one line, whatever the labels below and beside them.
    bounds: 'flush',
    spacing: { row: 76, column: 64 },
    concat: panels,
  });
}

interface Measured {
  readonly bars: readonly Bar[];
  readonly used: readonly RunRecord[];
  readonly machine?: OneMachine;
}

/** One method alone has nothing to be compared with. */
function measured({ source, rows }: SourceRecords): Measured {
  const [task] = source.tasks;
  const timed = (records: readonly RunRecord[]) =>
    records.filter(({ trainInfo }) => trainInfo.stepMilliseconds !== undefined);
  const machine = ofOneMachine(rows.flatMap((row) => timed(row.trainings(task!))));
  const steps = rows.flatMap((row) => {
    const own = timed(row.trainings(task!)).filter((record) => machine!.records.includes(record));
    if (own.length === 0) return [];
    const milliseconds = spreadOf(own.map(({ trainInfo }) => trainInfo.stepMilliseconds!)).mean;
    return [{ method: row.method, milliseconds }];
  });
  if (steps.length < 2) return { bars: [], used: [] };
  const slowest = Math.max(...steps.map(({ milliseconds }) => milliseconds));
  const bars = steps.map(({ method, milliseconds }) => ({
    series: OURS,
    method,
    speed: slowest / milliseconds,
  }));
  return { bars, used: machine!.records, machine: machine! };
}

function drawPanel(
  { title, bars, outOfMemory }: { title: string; bars: readonly Bar[]; outOfMemory: readonly object[] },
  series: readonly string[],
): Part {
  const order = ['qGOFTv2', 'GOFTv2', 'BOFT', 'DoRA', 'PSOFT', 'LoRA'];
  const isDouble = series.length > 1;
  const { color } = seriesOf([OURS, PAPER], isDouble ? { title: null, orient: 'bottom' } : null);
  const x = { field: 'method', type: 'nominal', sort: order, axis: { title: null, labelAngle: 0 } };
  const top = 1.15 * Math.max(...bars.map(({ speed }) => speed));
  const step = top > 3 ? 1 : 0.5;
  // A label at the very top would push the panel's title out of line with its neighbour's.
  const ticks = Array.from({ length: Math.floor((0.9 * top) / step) + 1 }, (_, i) => i * step);
  const y = {
    field: 'speed',
    type: 'quantitative',
    scale: { domain: [0, top], nice: false },
    axis: { title: 'relative speed', values: ticks },
  };
  const xOffset = isDouble ? { xOffset: { field: 'series', scale: { domain: [...series] } } } : {};
  const of = (name: string) => bars.filter((bar) => bar.series === name);
  return {
    title: { text: title, fontSize: 12, fontWeight: 'normal' },
    width: { step: isDouble ? 34 : 62 },
    height: 190,
    layer: drawn([
      { data: { values: of(OURS) }, mark: { type: 'bar' }, encoding: { x, y, color, ...xOffset } },
      {
        // Hollow, so that a grey print tells them apart.
        data: { values: of(PAPER) },
        mark: { type: 'bar', filled: false, strokeWidth: 1.5 },
        encoding: { x, y, color, ...xOffset },
      },
      {
        data: { values: bars.map((bar) => ({ ...bar, text: `${bar.speed.toFixed(1)}×` })) },
        mark: { type: 'text', dy: -7 },
        encoding: { x, y, ...xOffset, text: { field: 'text' } },
      },
      {
        data: { values: outOfMemory },
        mark: { type: 'text', dy: -7, style: 'muted' },
        encoding: { x, y, ...xOffset, text: { field: 'text' } },
      },
    ]),
  };
}
