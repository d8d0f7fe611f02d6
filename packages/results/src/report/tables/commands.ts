/** The fewest commands that fill what is missing. */
import { fillCommand, type Part, type PlannedTable } from './plan.ts';
import type { TablePlace } from './spec.ts';

export interface Missing {
  readonly row: string;
  readonly task: string;
  readonly seeds: readonly number[];
}

/** Leaves out what is the whole anyway, so that the command is short. */
export function commandFor(spec: TablePlace, planned: PlannedTable, part: Required<Part>): string {
  const { profile, tasks, seeds, rows, scorer, isScorerAsked } = planned;
  // A row that cannot be run does no harm in a command.
  const runnable = rows.filter(({ cells }) => Object.values(cells).some((cell) => 'seeds' in cell));
  const all = { methods: runnable.map(({ key }) => key), tasks, seeds };
  const some = <T>(values: readonly T[], whole: readonly T[]) =>
    whole.every((one) => values.includes(one)) ? undefined : whole.filter((one) => values.includes(one));
  const [methods, someTasks, someSeeds] = [
    some(part.methods, all.methods),
    some(part.tasks, all.tasks),
    some(part.seeds, all.seeds),
  ];
  return fillCommand(
    spec,
    profile,
    {
      ...(methods === undefined ? {} : { methods }),
      ...(someTasks === undefined ? {} : { tasks: someTasks }),
      ...(someSeeds === undefined ? {} : { seeds: someSeeds }),
    },
    isScorerAsked ? scorer : undefined,
  );
}

/** Rows that miss the same tasks and seeds go into one command. */
export function commandsFor(spec: TablePlace, planned: PlannedTable, missing: readonly Missing[]): string[] {
  const byRow = groupBy(missing, ({ row, seeds }) => JSON.stringify([row, seeds]));
  const parts = byRow.map((cells) => ({
    row: cells[0]!.row,
    tasks: [...new Set(cells.map(({ task }) => task))],
    seeds: cells[0]!.seeds,
  }));
  const byPart = groupBy(parts, ({ tasks, seeds }) => JSON.stringify([tasks, seeds]));
  const commands = byPart.map((same) =>
    commandFor(spec, planned, {
      methods: same.map(({ row }) => row),
      tasks: same[0]!.tasks,
      seeds: same[0]!.seeds,
    }),
  );
  return [...new Set(commands)];
}

function groupBy<T>(values: readonly T[], keyOf: (value: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const value of values) {
    const key = keyOf(value);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [value]);
    else group.push(value);
  }
  return [...groups.values()];
}
