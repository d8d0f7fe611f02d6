/**
 * Metrics over time: the export of a chart (`<axis>`, then `<run> - <metric>` with its `__MIN` and `__MAX`), and a run's
 * history as the Python API gives it (`_step`, `_runtime`, metrics).
 */
import path from 'node:path';
import type { ImportedRecord, Series } from '../../../imported/schema.ts';
import { RecordError } from '../../../schema.ts';
import { importedRecord, type Reader, type SourceFile } from '../source.ts';
import { headerOf, readTable } from './csv.ts';

export const wandbHistoryReader: Reader = {
  format: 'wandb-history',
  title: 'a history from Weights & Biases (CSV with "<run> - <metric>" columns, or with _step)',
  reads: (source) => {
    const header = headerOf(source);
    return header.includes('_step') || isChart(header);
  },
  read: (source) => {
    const { header, rows } = readTable(source);
    return isChart(header) ? readChart(source, header, rows) : [readHistory(source, header, rows)];
  },
};

function isChart(header: readonly string[]): boolean {
  return header.length > 1 && header.slice(1).every((name) => name.includes(' - '));
}

/** One record a run; a run's columns may lie anywhere in the file. */
function readChart(
  source: SourceFile,
  header: readonly string[],
  rows: readonly string[][],
): ImportedRecord[] {
  const axis = header[0]!;
  const runs = new Map<string, { series: Series[]; isSampled: boolean; notNumbers: number }>();
  for (const [column, name] of header.entries()) {
    // The last dash: names of runs hold more of them than names of metrics.
    const cut = name.lastIndexOf(' - ');
    const [runName, metric] = [name.slice(0, cut), name.slice(cut + 3)];
    if (column === 0 || metric === '_step' || /__(MIN|MAX)$/.test(metric)) continue;
    const run = runs.get(runName) ?? { series: [], isSampled: false, notNumbers: 0 };
    runs.set(runName, run);
    const { points, notNumbers } = pointsOf(rows, 0, column);
    run.notNumbers += notNumbers;
    run.isSampled ||= ['__MIN', '__MAX'].some((ending) => {
      const other = header.indexOf(`${name}${ending}`);
      return other >= 0 && rows.some((row) => row[other] !== row[column]);
    });
    if (points.steps.length > 0) run.series.push({ name: metric, axis, ...points });
  }
  return [...runs].map(([name, { series, isSampled, notNumbers }]) =>
    importedRecord(
      source,
      'wandb-history',
      { runInfo: { name }, trainInfo: { series }, metaInfo: {} },
      {
        entry: name,
        leftOut: [
          ...(isSampled ? ['minimum and maximum of steps that the chart draws as one'] : []),
          ...notFinite(notNumbers),
        ],
      },
    ),
  );
}

function readHistory(
  source: SourceFile,
  header: readonly string[],
  rows: readonly string[][],
): ImportedRecord {
  const step = header.indexOf('_step');
  const runtime = header.indexOf('_runtime');
  const leftOut: string[] = [];
  let total = 0;
  const series: Series[] = [];
  for (const [column, name] of header.entries()) {
    // The first column of pandas is the number of the row.
    if (name === '' || ['_step', '_runtime', '_timestamp'].includes(name)) continue;
    const { points, notNumbers, texts } = pointsOf(rows, step, column, runtime);
    if (texts > 0 && points.steps.length === 0) {
      leftOut.push(`${name}: ${texts} values that are no numbers`);
      continue;
    }
    total += notNumbers;
    if (points.steps.length > 0) series.push({ name, axis: '_step', ...points });
  }
  return importedRecord(
    source,
    'wandb-history',
    {
      runInfo: { name: path.basename(source.path).replace(/\.csv$/i, '') },
      trainInfo: { series },
      metaInfo: {},
    },
    { leftOut: [...leftOut, ...notFinite(total)] },
  );
}

interface Points {
  readonly points: { readonly steps: number[]; readonly values: number[]; readonly seconds?: number[] };
  /** Cells that hold something else than a finite number. */
  readonly notNumbers: number;
  /** Of those, the ones that are no numbers at all. */
  readonly texts: number;
}

/** Empty cells are steps at which the metric was not logged. */
function pointsOf(rows: readonly string[][], stepColumn: number, column: number, timeColumn = -1): Points {
  const [steps, values, seconds]: [number[], number[], number[]] = [[], [], []];
  let [notNumbers, texts, timed] = [0, 0, timeColumn >= 0];
  for (const [index, row] of rows.entries()) {
    const cell = row[column]!.trim();
    if (cell === '') continue;
    const [step, value] = [Number(row[stepColumn]), Number(cell)];
    if (row[stepColumn]!.trim() === '' || !Number.isFinite(step))
      throw new RecordError(`row ${index + 1}: "${row[stepColumn]}" is no step`);
    if (!Number.isFinite(value)) {
      notNumbers++;
      if (!/^-?(nan|inf(inity)?)$/i.test(cell)) texts++;
      continue;
    }
    steps.push(step);
    values.push(value);
    const time = timed ? row[timeColumn]!.trim() : '';
    timed &&= time !== '' && Number.isFinite(Number(time));
    if (timed) seconds.push(Number(time));
  }
  return { points: { steps, values, ...(timed ? { seconds } : {}) }, notNumbers, texts };
}

function notFinite(count: number): string[] {
  return count === 0 ? [] : [`${count} values that are no finite numbers`];
}
