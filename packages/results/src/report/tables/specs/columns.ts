/** Columns that several tables have. */
import type { ColumnSpec } from '../spec.ts';

const ACCURACY = 'accuracy';

export const params: ColumnSpec = {
  kind: 'parameters',
  id: 'params',
  title: '#Params',
  paper: 'params_m',
  inMillions: true,
};

/** @param task whose runs are measured */
export function memory(task: string): ColumnSpec {
  return { kind: 'memory', id: 'memory', title: 'Memory (GB)', paper: 'peak_memory_gb', task };
}

export const modules: ColumnSpec = {
  kind: 'modules',
  id: 'modules',
  title: 'Inserted modules',
  paper: 'inserted_modules',
};

/** @param paper the paper's column, where it is not called as the task */
export function score(
  task: string,
  title: string,
  {
    metric = ACCURACY,
    paper = task,
    digits = 2,
    group,
  }: Partial<Record<'metric' | 'paper' | 'group', string>> & { digits?: number } = {},
): ColumnSpec {
  return {
    kind: 'score',
    id: paper,
    title,
    task,
    metric,
    paper,
    digits,
    ...(group === undefined ? {} : { group }),
  };
}

/** Mean of the tasks, printed by the paper as `avg`. */
export function average(tasks: readonly string[], digits = 2): ColumnSpec {
  return { kind: 'mean', id: 'avg', title: 'Avg.', of: [tasks], paper: 'avg', digits };
}
