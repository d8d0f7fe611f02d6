/** Tables of memory and time, whose values come from benches instead of runs. */
import type { Paper } from '../../paper/index.ts';
import type { ReportCell, ReportColumn, ReportRow, ReportTable } from './model.ts';
import { captionOf, filledOf, titleOf } from './notes.ts';
import { paperRows, paperValue } from './paperValues.ts';
import { fillCommand } from './plan.ts';
import type { RowMapping } from './rows.ts';
import type { TableSpec } from './spec.ts';

/** One value of a bench: the hook by which its results enter a table. In the column's unit. */
export interface Measurement {
  readonly table: string;
  /** Label of the paper's row: "BOFT b=8 m=2". */
  readonly row: string;
  /** Id of the column: "runtime_fp_ms". */
  readonly column: string;
  readonly mean?: number;
  readonly deviation?: number;
  /** Passes, or repetitions. */
  readonly n?: number;
  /** Instead of a value: why there is none. */
  readonly unavailable?: string;
}

export function buildBench(
  spec: TableSpec,
  paper: Paper,
  profile: string,
  mapping: readonly RowMapping[],
  measured: readonly Measurement[],
  /** What they were measured on. */
  measuredNotes: readonly string[] = [],
): ReportTable {
  const command = fillCommand(spec, profile, {});
  const isPaper = profile === 'paper';
  const printed = paperRows(paper, spec);
  const columns = spec.columns.map(
    ({ id, title, group, digits = 1, ...column }): ReportColumn => ({
      // Small sizes take fractions of the paper's gigabytes.
      ...{ id, title, ...(group === undefined ? {} : { group }), digits: isPaper ? digits : digits + 1 },
      kind: column.kind === 'bench' && column.unit === 'GB' ? 'memory' : 'time',
      ...(column.kind === 'bench' ? { unit: column.unit } : {}),
    }),
  );
  const ofPaper = mapping.map(({ paper: label, group, role, notOffered }): ReportRow => {
    const paperRow = printed.find((row) => row.label === label);
    if (paperRow === undefined) throw new Error(`${spec.id}: the paper has no row "${label}"`);
    const cells = spec.columns.map((column): readonly [string, ReportCell] => {
      const paper = isPaper ? paperValue(column, paperRow) : undefined;
      const shown = paper === undefined ? {} : { paper };
      if (notOffered !== undefined) return [column.id, { ...shown, unavailable: notOffered }];
      const own = measured.find(
        (one) => one.table === spec.id && one.row === label && one.column === column.id,
      );
      if (own === undefined) return [column.id, { ...shown, missing: { seeds: [], command } }];
      const { mean, deviation, n = 1, unavailable } = own;
      if (mean === undefined) return [column.id, { ...shown, unavailable: unavailable ?? 'not measured' }];
      return [
        column.id,
        {
          ours: { mean, ...(deviation === undefined ? {} : { deviation }), n, seeds: [] },
          ...shown,
          ...(paper?.value === undefined ? {} : { difference: mean - paper.value }),
        },
      ];
    });
    const { method, config: setting } = paperRow;
    return { key: label, method, setting, paperRow: label, group, role, cells: Object.fromEntries(cells) };
  });
  const labels = new Set(mapping.map(({ paper }) => paper));
  const others = [...new Set(measured.filter(({ table }) => table === spec.id).map(({ row }) => row))].filter(
    (label) => !labels.has(label),
  );
  const rows = [...ofPaper, ...others.map((label) => ownRow(spec, label, measured))];
  const filled = filledOf(rows);
  return {
    ...{ id: spec.id, title: titleOf(spec), caption: captionOf(spec, paper, profile, undefined), profile },
    ...{
      experiment: spec.experiment,
      seeds: [],
      columns,
      rows,
      notes: [...(spec.notes ?? []), ...measuredNotes],
    },
    commands: filled.cells < filled.of ? [command] : [],
    filled,
  };
}

/** A method that the paper's table does not have, as far as it was measured. */
function ownRow(spec: TableSpec, label: string, measured: readonly Measurement[]): ReportRow {
  const cells = spec.columns.flatMap(({ id }): [string, ReportCell][] => {
    const own = measured.find((one) => one.table === spec.id && one.row === label && one.column === id);
    if (own === undefined) return [[id, { unavailable: 'not measured' }]];
    const { mean, deviation, n = 1, unavailable } = own;
    if (mean === undefined) return [[id, { unavailable: unavailable ?? 'not measured' }]];
    return [[id, { ours: { mean, ...(deviation === undefined ? {} : { deviation }), n, seeds: [] } }]];
  });
  const [method, ...setting] = label.split(' ');
  return {
    ...{ key: label, method: method!, setting: setting.join(' '), group: 0, role: 'ranked' as const },
    cells: Object.fromEntries(cells),
  };
}
