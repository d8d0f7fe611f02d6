/** TensorBoard's event files: scalars become curves, what else they hold is counted. */
import path from 'node:path';
import type { ImportedRecord, Series } from '../../../imported/schema.ts';
import { oneLine } from '../../../parse.ts';
import { RecordError } from '../../../schema.ts';
import { importedRecord, type Reader, type SourceFile } from '../source.ts';
import { type Event, readEvent, type SummaryValue } from './event.ts';
import { isTfRecordFile, readTfRecords } from './tfrecord.ts';

interface Points {
  steps: number[];
  values: number[];
  seconds: number[];
}

export const tensorboardReader: Reader = {
  format: 'tensorboard',
  title: 'a TensorBoard event file (TFRecord)',
  reads: ({ bytes }) => isTfRecordFile(bytes),
  read: (source) => [readRun(source)],
};

function readRun(source: SourceFile): ImportedRecord {
  const { records, isCutOff } = readTfRecords(source.bytes);
  const events = records.map(parse);
  checkVersion(events[0]);
  const { curves, leftOut } = scalarsOf(events);
  if (isCutOff)
    leftOut.push('the last record, which is cut off: the file was still being written, or its writer killed');
  if (curves.size === 0)
    throw new RecordError(`holds no scalars${leftOut.length > 0 ? `, only ${leftOut.join('; ')}` : ''}`);
  return importedRecord(
    source,
    'tensorboard',
    {
      // Files bear a time and a host; the folder is what TensorBoard itself calls the run.
      runInfo: {
        name: path.basename(path.dirname(path.resolve(source.path))),
        ...createdAt(events[0]!),
      },
      trainInfo: {
        series: [...curves].map(([name, points]): Series => ({ name, axis: 'step', ...points })),
      },
      metaInfo: {},
    },
    { leftOut },
  );
}

/** Absent where the file states no time, or none that there is. */
function createdAt({ wallTime }: Event): { createdAt?: string } {
  const date = new Date(1000 * wallTime);
  return wallTime > 0 && date.getTime() < LAST_MS ? { createdAt: date.toISOString() } : {};
}

/** The year 10000: times are written with four digits. */
const LAST_MS = Date.UTC(10_000, 0);

function parse(record: Uint8Array, index: number): Event {
  try {
    return readEvent(record);
  } catch (error) {
    throw new RecordError(`record ${index} is no TensorBoard event: ${oneLine(error)}`);
  }
}

function checkVersion(first: Event | undefined): void {
  const version = /^brain\.Event:(\d+)$/.exec(first?.fileVersion ?? '')?.[1];
  if (version === undefined)
    throw new RecordError('is no TensorBoard event file: it states no brain.Event version');
  // Version 1 knew no restarts: what follows one could not be told from what it replaces.
  if (Number(version) !== 2)
    throw new RecordError(`events of version ${version} are not known; version 2 is`);
}

function scalarsOf(events: readonly Event[]): { curves: Map<string, Points>; leftOut: string[] } {
  const curves = new Map<string, Points>();
  const plugins = new Map<string, string>();
  const others = new Map<string, number>();
  const notFinite = new Map<string, { count: number; step: number }>();
  const start = events.find(({ values }) => values.length > 0)?.wallTime ?? 0;
  for (const { step, wallTime, values, isRestart } of events) {
    if (isRestart) for (const points of curves.values()) forget(points, step);
    for (const value of values) {
      const { tag, plugin, scalar } = value;
      if (plugin !== undefined) plugins.set(tag, plugin);
      if (scalar === undefined || !isScalar(value, plugins.get(tag))) {
        const kind = plugins.get(tag) ?? value.kind;
        others.set(kind, (others.get(kind) ?? 0) + 1);
      } else if (!Number.isFinite(scalar)) {
        const before = notFinite.get(tag);
        notFinite.set(tag, { count: (before?.count ?? 0) + 1, step: before?.step ?? step });
      } else {
        const points = curves.get(tag) ?? { steps: [], values: [], seconds: [] };
        points.steps.push(step);
        points.values.push(scalar);
        points.seconds.push(Math.max(0, Number((wallTime - start).toFixed(3))));
        curves.set(tag, points);
      }
    }
  }
  return {
    curves,
    leftOut: [
      ...[...others].map(([kind, count]) => `${count} values of kind ${kind}`),
      ...[...notFinite].map(
        ([tag, { count, step }]) => `${tag}: ${count} values that are not finite, the first at step ${step}`,
      ),
    ],
  };
}

/** Writers of today store scalars as tensors of the plugin "scalars", older ones and PyTorch's as plain numbers. */
function isScalar({ kind }: SummaryValue, plugin: string | undefined): boolean {
  return kind === 'scalar' ? plugin === undefined || plugin === 'scalars' : plugin === 'scalars';
}

function forget(points: Points, from: number): void {
  const kept = points.steps.map((step, i) => ({ step, i })).filter(({ step }) => step < from);
  points.values = kept.map(({ i }) => points.values[i]!);
  points.seconds = kept.map(({ i }) => points.seconds[i]!);
  points.steps = kept.map(({ step }) => step);
}
