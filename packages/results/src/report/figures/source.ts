/** The records of one source of a figure, chosen as those of a table. */
import type { RunRecord } from '../../schema.ts';
import { type Spread, spreadOf } from '../../summary.ts';
import { commandsFor, type Missing } from '../tables/commands.ts';
import type { PlannedRow, PlannedTable } from '../tables/plan.ts';
import { OWN_ROWS, rowsOfTable } from '../tables/rows.ts';
import { selectRecords } from '../tables/select.ts';
import { settingText } from '../tables/settings.ts';
import type { ColumnSpec } from '../tables/spec.ts';
import { rowRecords, valuesOf } from '../tables/values.ts';
import type { FigureSource } from './model.ts';

export interface FigureRow {
  readonly key: string;
  /** As the paper calls it: "OFTv2"; of a sweep its series. */
  readonly method: string;
  /** "b=32": of our runs. */
  readonly setting: string;
  /** Of our runs, as planned. */
  readonly adapterConfig: Readonly<Record<string, unknown>>;
  readonly planned: PlannedRow;
  /** Records of a task, in the order of their seeds. */
  records(task: string): readonly RunRecord[];
  /** The trainings of these records: of evaluations those that they evaluate. */
  trainings(task: string): readonly RunRecord[];
  /** Over seeds; undefined without any. */
  value(column: ColumnSpec): Spread | undefined;
}

export interface SourceRecords {
  readonly source: FigureSource;
  readonly rows: readonly FigureRow[];
  readonly notes: readonly string[];
  readonly commands: readonly string[];
}

/**
 * @param planned all of the table or sweep
 * @param records of every experiment and profile
 */
export function sourceRecords(
  source: FigureSource,
  planned: PlannedTable,
  records: readonly RunRecord[],
): SourceRecords {
  const { tasks, metric } = source;
  const shown = planned.rows
    .filter(({ key }) => source.rows?.includes(key) ?? true)
    .map((row) => ({
      ...row,
      cells: Object.fromEntries(Object.entries(row.cells).filter(([task]) => tasks.includes(task))),
    }));
  const selection = selectRecords({ ...planned, rows: shown }, records, () => metric);
  const byHash = new Map(records.map((record) => [record.runInfo.configHash, record]));
  const rows = shown.map((row): FigureRow => {
    const own = rowRecords(row, selection, byHash);
    const ofTask = (task: string) =>
      [...(own.cell(task)?.bySeed.values() ?? [])]
        .map(({ record }) => record)
        .sort((a, b) => a.runInfo.seed - b.runInfo.seed);
    const adapterConfig = plannedConfig(row);
    return {
      ...{ key: row.key, method: methodTitle(source, row), adapterConfig, planned: row },
      setting: settingText(row.method, adapterConfig),
      records: ofTask,
      trainings: (task) =>
        ofTask(task).flatMap((record) => {
          const { evaluates } = record.runInfo;
          return evaluates === undefined ? [record] : (byHash.get(evaluates.configHash) ?? []);
        }),
      value(column) {
        // Memory on the device exists where runs have one; the tiny profile's is the process's.
        const values = [...valuesOf(column, own, planned.profile === 'paper').values()];
        return values.length === 0 ? undefined : spreadOf(values);
      },
    };
  });
  const missing = shown.flatMap(({ key, cells }) =>
    Object.entries(cells).flatMap(([task, cell]): Missing[] => {
      if ('unavailable' in cell) return [];
      const seeds = planned.seeds.filter((seed) => !selection.cell(key, task)?.bySeed.has(seed));
      return seeds.length === 0 ? [] : [{ row: key, task, seeds }];
    }),
  );
  return { source, rows, notes: selection.notes, commands: commandsFor(source, planned, missing) };
}

function plannedConfig({ cells }: PlannedRow): Readonly<Record<string, unknown>> {
  const [run] = Object.values(cells).flatMap((cell) =>
    'seeds' in cell ? cell.seeds.flatMap(({ candidates }) => candidates) : [],
  );
  return run?.adapterConfig ?? {};
}

function methodTitle({ id, source }: FigureSource, { key, series }: PlannedRow): string {
  if (source.kind === 'sweep') return series ?? key;
  const mapped = rowsOfTable(id).find(({ ours }) => ours === key);
  return mapped?.paper.split(' ')[0] ?? OWN_ROWS[key]?.method ?? key;
}
