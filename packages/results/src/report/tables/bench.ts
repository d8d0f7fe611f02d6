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
  readonly mean: number;
  readonly deviation?: number;
  /** Passes, or repetitions. */
  readonly n: number;
}

export function buildBench(
  spec: TableSpec,
  paper: Paper,
  profile: string,
  mapping: readonly RowMapping[],
  measured: readonly Measurement[],
): ReportTable {
  const command = fillCommand(spec, profile, {});
  const isPaper = profile === 'paper';
  const printed = paperRows(paper, spec);
  const columns = spec.columns.map(
    ({ id, title, group, digits = 1, ...column }): ReportColumn => ({
      ...{ id, title, ...(group === undefined ? {} : { group }), digits },
      kind: column.kind === 'bench' && column.unit === 'GB' ? 'memory' : 'time',
      ...(column.kind === 'bench' ? { unit: column.unit } : {}),
    }),
  );
  const rows = mapping.map(({ paper: label, group, role, notOffered }): ReportRow => {
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
      const { mean, deviation, n } = own;
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
  const filled = filledOf(rows);
  return {
    ...{ id: spec.id, title: titleOf(spec), caption: captionOf(spec, paper, profile, undefined), profile },
    ...{ experiment: spec.experiment, seeds: [], columns, rows, notes: spec.notes ?? [] },
    commands: filled.cells < filled.of ? [command] : [],
    filled,
  };
}
