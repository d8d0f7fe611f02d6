/** The runs of a table of the paper, and the table that is made of their outcomes. */
import { ConfigError } from '@psoft/training/config';
import { candidatesOf } from '../cells.ts';
import type { PlanOptionValues, TableOptionValues } from '../commands/planOptions.ts';
import { chosenOf, type SearchRun } from '../commands/search.ts';
import type { Outcome } from '../commands/series.ts';
import { type Chosen, tableOf } from '../commands/tableOf.ts';
import { rankSettings } from '../methodFlags.ts';
import { type Experiment, pick } from '../workspace.ts';

export interface TableRuns {
  /** With the profile. */
  readonly title: string;
  readonly seeds: readonly number[];
  /** One a cell and seed, with the candidates that it is chosen from. */
  readonly runs: readonly SearchRun[];
  /** @param outcomes one a cell and seed, in order */
  table(outcomes: readonly Outcome[]): { header: string[]; body: string[][] };
  /** @param outcomes one a candidate, in order */
  choose(outcomes: readonly Outcome[]): Outcome[];
}

/**
 * @param target EXPERIMENT/TABLE
 * @throws ConfigError for unknown names, and settings that a method does not take
 */
export function tableRuns(
  target: string,
  experiments: ReadonlyMap<string, Experiment>,
  options: PlanOptionValues & TableOptionValues,
): TableRuns {
  const [experimentName, tableName] = target.split('/') as [string, string?];
  const experiment = pick(experiments, experimentName, 'experiment');
  if (tableName === undefined)
    throw new ConfigError(`"${target}" is no table: write EXPERIMENT/TABLE, for example nlu/table2`);
  const table = pick(experiment.tables ?? {}, tableName, `table of ${experimentName}`);
  const { profile } = options;
  pick(experiment.profiles, profile, `profile of ${experimentName}`);
  const chosen: Chosen = {
    tasks: options.tasks ?? table.tasks,
    methods: options.methods ?? table.methods,
    seeds: options.seeds ?? pick(table.seeds, profile, `profile of ${target}`),
  };
  const cells = chosen.tasks.flatMap((task) => chosen.methods.map((method) => ({ task, method })));
  // Seed by seed: what is there after an hour is a whole table of fewer seeds. All are resolved before the first is
  // run: a misspelt name must not show after an hour.
  const runs = chosen.seeds.flatMap((seed) =>
    cells.map(({ task, method }) => ({
      task,
      method,
      label: `${task}, ${method}, seed ${seed}`,
      cell: `${task}, ${method}`,
      candidates: candidatesOf(
        experiments,
        `${experimentName}/${task}`,
        { ...options, method, seed, set: [] },
        rankSettings,
      ),
    })),
  );
  return {
    title: `${table.title}, profile ${profile}`,
    seeds: chosen.seeds,
    runs,
    table: (outcomes) =>
      tableOf(experiment, profile, chosen, (method, task) =>
        outcomes.filter((_, i) => runs[i]!.method === method && runs[i]!.task === task),
      ),
    choose: (outcomes) => chosenOf(runs, outcomes),
  };
}
