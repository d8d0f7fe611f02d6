/** Methods down, tasks across. */
import { formatCount, formatSpread, type RunRecord, spreadOf, testScore } from '@psoft/results';
import type { Experiment } from '../workspace.ts';
import type { Outcome } from './series.ts';

export interface Chosen {
  readonly tasks: readonly string[];
  readonly methods: readonly string[];
  readonly seeds: readonly number[];
}

/** Averages are taken over these: tasks, or groups of tasks. */
interface Column {
  readonly title: string;
  readonly tasks: readonly string[];
}

/**
 * The table's cells as text; the published scores stand beside ours where the profile is the paper's. Where the
 * experiment's tasks are in groups, each group's mean has a column, and the average is the mean of the groups (VTAB).
 */
export function tableOf(
  experiment: Experiment,
  profile: string,
  { tasks, methods, seeds }: Chosen,
  outcomesOf: (method: string, task: string) => readonly Outcome[],
): { header: string[]; body: string[][] } {
  const isPaper = profile === 'paper';
  const groups = groupsOf(experiment, tasks);
  const metricOf = (task: string) =>
    methods.flatMap((method) => recordsOf(outcomesOf(method, task)))[0]?.trainInfo.selectionMetric;
  const metrics = new Set(tasks.map(metricOf));
  const header = [
    'method',
    'trained',
    // One metric of all goes without saying in every column.
    ...tasks.map((task) => (metrics.size > 1 ? `${task} (${shortMetric(metricOf(task))})` : task)),
    ...groups.map(({ title }) => title),
    'average',
    ...(isPaper ? ['paper’s average'] : []),
  ];
  const body = methods.map((method) => {
    const means = new Map<string, number>();
    const cells = tasks.map((task) => {
      const outcomes = outcomesOf(method, task);
      const scores = recordsOf(outcomes).flatMap((record) => testScore(record) ?? []);
      const failed = outcomes.find((outcome) => 'failure' in outcome);
      if (scores.length === 0) return failed?.failure ?? '';
      const spread = spreadOf(scores);
      means.set(task, spread.mean);
      const published = isPaper ? experiment.tasks[task]?.reference?.scores[method] : undefined;
      return [
        formatSpread(spread, 1),
        ...(scores.length < seeds.length
          ? [`(${scores.length} of ${seeds.length} seeds: ${failed?.failure})`]
          : []),
        ...(published === undefined ? [] : [`[${published.toFixed(1)}]`]),
      ].join(' ');
    });
    const record = tasks.flatMap((task) => recordsOf(outcomesOf(method, task)))[0];
    const published = new Map<string, number>();
    for (const task of tasks) {
      const score = experiment.tasks[task]?.reference?.scores[method];
      if (score !== undefined) published.set(task, score);
    }
    return [
      method,
      record ? formatCount(record.trainInfo.parameters.trainableWithoutHead) : '',
      ...cells,
      ...groups.map((group) => text(meanOf(means, group.tasks), 1)),
      text(average(means, tasks, groups), 1),
      ...(isPaper ? [text(average(published, tasks, groups), 2)] : []),
    ];
  });
  return { header, body };
}

function groupsOf({ tasks: entries }: Experiment, tasks: readonly string[]): Column[] {
  const titles = new Set(tasks.flatMap((task) => entries[task]?.group ?? []));
  return [...titles].map((title) => ({
    title,
    tasks: tasks.filter((task) => entries[task]?.group === title),
  }));
}

/** Undefined unless every task has a score: a mean over some of them would be another number. */
export function meanOf(scores: ReadonlyMap<string, number>, tasks: readonly string[]): number | undefined {
  const values = tasks.flatMap((task) => scores.get(task) ?? []);
  return values.length === tasks.length && values.length > 0 ? spreadOf(values).mean : undefined;
}

function average(
  scores: ReadonlyMap<string, number>,
  tasks: readonly string[],
  groups: readonly Column[],
): number | undefined {
  if (groups.length === 0) return meanOf(scores, tasks);
  const means = new Map(
    groups.flatMap((group) => {
      const mean = meanOf(scores, group.tasks);
      return mean === undefined ? [] : [[group.title, mean] as const];
    }),
  );
  return meanOf(
    means,
    groups.map(({ title }) => title),
  );
}

const text = (value: number | undefined, digits: number) =>
  value === undefined ? '' : value.toFixed(digits);

function recordsOf(outcomes: readonly Outcome[]): RunRecord[] {
  return outcomes.flatMap((outcome) => ('record' in outcome ? [outcome.record] : []));
}

function shortMetric(name: string | undefined): string {
  return name === 'matthewsCorrelation' ? 'Matthews' : (name ?? 'no result');
}
