/** Columns of a table as they are shown. */
import type { ReportColumn, Unit } from './model.ts';
import type { ColumnSpec, TableSpec } from './spec.ts';

/** Our runs on generated data say little beyond the first digit. */
const TINY_DIGITS = 1;

export function columnsOf(spec: TableSpec, isPaper: boolean): ReportColumn[] {
  return spec.columns.map((column) => {
    const { id, title, group, kind } = column;
    const shown = SHOWN[kind];
    const digits =
      shown.digits ??
      (isPaper || kind === 'loss' || kind === 'start time' ? (column.digits ?? 1) : TINY_DIGITS);
    return {
      id,
      title: kind === 'memory' && !isPaper ? 'Process memory (GB)' : title,
      ...(group === undefined ? {} : { group }),
      kind: shown.kind,
      ...unitOf(column, shown.unit),
      ...(column.kind === 'score' ? { metric: column.metric, task: column.task } : {}),
      digits,
      ...(shown.better === undefined ? {} : { better: shown.better }),
    };
  });
}

function unitOf(column: ColumnSpec, unit: Unit | undefined): { unit?: Unit } {
  if (column.kind === 'bench') return { unit: column.unit };
  return unit === undefined ? {} : { unit };
}

interface Shown extends Pick<ReportColumn, 'kind' | 'unit' | 'better'> {
  readonly digits?: number;
}

const SHOWN: Readonly<Record<ColumnSpec['kind'], Shown>> = {
  modules: { kind: 'text', digits: 0 },
  varied: { kind: 'text', digits: 0 },
  parameters: { kind: 'parameters', unit: 'count', digits: 0 },
  memory: { kind: 'memory', unit: 'GB' },
  score: { kind: 'score', unit: '%', better: 'higher' },
  mean: { kind: 'mean', unit: '%', better: 'higher' },
  loss: { kind: 'loss', unit: 'nats', better: 'lower' },
  'training time': { kind: 'time', unit: 's', digits: 0 },
  'start time': { kind: 'time', unit: 's' },
  bench: { kind: 'time' },
};
