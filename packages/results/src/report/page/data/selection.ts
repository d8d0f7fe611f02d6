/** Which runs stand behind the cells of a table, and what their trainings cost. */
import type { RunRecord } from '../../../schema.ts';
import { scoreMetric } from '../../tables/build.ts';
import type { ReportTable } from '../../tables/index.ts';
import { selectRecords } from '../../tables/select.ts';
import { tasksOf } from '../../tables/values.ts';
import type { PageTableInput } from '../input.ts';

export interface TableRuns {
  readonly table: ReportTable;
  /** By row and task, in the order of the seeds. */
  readonly records: ReadonlyMap<string, ReadonlyMap<string, readonly RunRecord[]>>;
  /** By row: what trained, whether it was scored itself or by an evaluation. */
  readonly trainings: ReadonlyMap<string, readonly RunRecord[]>;
  /** Tasks of a column. */
  readonly tasks: ReadonlyMap<string, readonly string[]>;
}

export function tableRuns({ table, spec, planned }: PageTableInput, all: readonly RunRecord[]): TableRuns {
  if (planned === undefined) return { table, records: new Map(), trainings: new Map(), tasks: new Map() };
  const selection = selectRecords(planned, all, (task) => scoreMetric(spec, task));
  const byHash = new Map(all.map((record) => [record.runInfo.configHash, record]));
  const records = new Map(
    planned.rows.map((row) => [
      row.key,
      new Map(
        Object.keys(row.cells).map((task) => {
          const bySeed = selection.cell(row.key, task)?.bySeed ?? new Map<number, { record: RunRecord }>();
          const seeds = [...bySeed.keys()].sort((a, b) => a - b);
          return [task, seeds.map((seed) => bySeed.get(seed)!.record)] as const;
        }),
      ),
    ]),
  );
  const trainings = new Map(
    [...records].map(([key, byTask]) => {
      const found = [...byTask.values()].flat().flatMap((record) => {
        const { evaluates, evaluationConfig } = record.runInfo;
        if (evaluationConfig === undefined) return [record];
        return (evaluates && byHash.get(evaluates.configHash)) ?? [];
      });
      return [key, [...new Set(found)]] as const;
    }),
  );
  const [first] = planned.rows;
  const tasks = new Map(spec.columns.map((column) => [column.id, first ? [...tasksOf(column, first)] : []]));
  return { table, records, trainings, tasks };
}
