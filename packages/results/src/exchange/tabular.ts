/** Records as one flat table: a row a run, or a row for every point of its curves. */
import { flatten } from '../flatten.ts';
import type { Entry } from '../query/ledger.ts';
import type { Row } from '../query/rows.ts';
import type { RunRecord } from '../schema.ts';

export interface Tabular {
  /** In the order of the records; every row's keys are among them. */
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
}

/** Columns that say which run a row of a curve belongs to. */
const RUN_KEYS = ['profile', 'experiment', 'task', 'method', 'variant', 'seed'] as const;

/** Everything but curves, by dotted paths, with the record's name and its score first. */
export function runTable(entries: readonly Entry[]): Tabular {
  return tabular(
    entries.map(({ name, view, record }) => {
      const { trainInfo, ...rest } = record;
      const { metrics: _, series: __, ...info } = trainInfo as Record<string, unknown>;
      const { score } = view;
      return {
        name,
        ...(score === undefined ? {} : { score }),
        ...Object.fromEntries(flatten({ ...rest, trainInfo: info })),
      };
    }),
  );
}

/** Epochs of runs, points of imported curves. */
export function curveTable(entries: readonly Entry[]): Tabular {
  return tabular(
    entries.flatMap((entry) => {
      const { runInfo, trainInfo } = entry.record;
      const keys = Object.fromEntries(
        RUN_KEYS.map((key) => [key, (runInfo as Record<string, unknown>)[key]]).filter(
          ([, value]) => value !== undefined,
        ),
      );
      const run = { name: entry.name, ...keys };
      if ('metrics' in trainInfo) return epochs(trainInfo.metrics).map((row) => ({ ...run, ...row }));
      return (trainInfo.series ?? []).flatMap(({ name, axis, steps, values, seconds }) =>
        steps.map((step, i) => ({
          ...run,
          series: name,
          ...(axis === undefined ? {} : { axis }),
          step,
          value: values[i]!,
          ...(seconds === undefined ? {} : { seconds: seconds[i]! }),
        })),
      );
    }),
  );
}

function epochs(rows: RunRecord['trainInfo']['metrics']): Row[] {
  return rows.map((row) => Object.fromEntries(flatten(row as unknown as Record<string, unknown>)));
}

/** A column stands where the first row that has it places it, so that related ones stay together. */
function tabular(rows: readonly Row[]): Tabular {
  const columns: string[] = [];
  for (const row of rows) {
    let at = 0;
    for (const key of Object.keys(row)) {
      const found = columns.indexOf(key);
      if (found >= 0) at = found + 1;
      else columns.splice(at++, 0, key);
    }
  }
  return { columns, rows };
}
