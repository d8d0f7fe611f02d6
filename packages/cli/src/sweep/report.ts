/** What came of a sweep: a row a point, and the frontier of score and trained values. */
import {
  type FrontierPoint,
  formatCount,
  formatSpread,
  type RunRecord,
  spreadOf,
  testScore,
} from '@psoft/results';
import type { Outcome } from '../commands/series.ts';
import type { PointRun, SweepPoint } from './points.ts';
import { valueText, variedText } from './points.ts';

export interface SweepRow {
  readonly point: SweepPoint;
  readonly trained?: number;
  /** Mean over seeds, by task. */
  readonly scores: ReadonlyMap<string, number>;
  /** Of the seeds for which every task has a score: the mean over the tasks. */
  readonly averages: readonly number[];
  readonly failures: readonly string[];
  readonly trainings: readonly RunRecord[];
}

/** Scores of evaluations are accuracies; a task that trains has the loss or metric that chose its epoch. */
export function scoreOf(record: RunRecord): number | undefined {
  return testScore(record) ?? record.trainInfo.best?.value;
}

/**
 * @param outcomes one a run, in order
 * @param trainings records of training runs, by the hash that evaluations name
 */
export function rowsOf(
  runs: readonly PointRun[],
  outcomes: readonly Outcome[],
  trainings: ReadonlyMap<string, RunRecord>,
): SweepRow[] {
  const points = [...new Set(runs.map(({ point }) => variedKey(point)))];
  return points.map((key) => {
    const own = [...runs.keys()].filter((i) => variedKey(runs[i]!.point) === key);
    const records = own.flatMap((i) => {
      const outcome = outcomes[i]!;
      return 'record' in outcome ? [{ run: runs[i]!, record: outcome.record }] : [];
    });
    const tasks = [...new Set(own.map((i) => runs[i]!.task))];
    const scoresOf = (task: string, seed?: number) =>
      records
        .filter(({ run }) => run.task === task && (seed === undefined || run.seed === seed))
        .flatMap(({ record }) => scoreOf(record) ?? []);
    const seeds = [...new Set(own.map((i) => runs[i]!.seed))];
    const averages = seeds.flatMap((seed) => {
      const all = tasks.flatMap((task) => scoresOf(task, seed));
      return all.length === tasks.length ? [spreadOf(all).mean] : [];
    });
    const scores = new Map(
      tasks.flatMap((task) => {
        const all = scoresOf(task);
        return all.length === 0 ? [] : [[task, spreadOf(all).mean] as const];
      }),
    );
    const trained = records.flatMap(({ record }) => trainings.get(trainingHash(record)) ?? []);
    const [first] = records;
    return {
      point: runs[own[0]!]!.point,
      ...(first && { trained: first.record.trainInfo.parameters.trainableWithoutHead }),
      scores,
      averages,
      failures: own.flatMap((i) => {
        const outcome = outcomes[i]!;
        return 'failure' in outcome ? [outcome.failure] : [];
      }),
      trainings: [...new Set(trained)],
    };
  });
}

const variedKey = ({ series, varied }: SweepPoint) => JSON.stringify([series, varied]);
/** Of the run that trained: an evaluation names it. */
const trainingHash = ({ runInfo }: RunRecord): string => runInfo.evaluates?.configHash ?? runInfo.configHash;

export function tableOfRows(
  rows: readonly SweepRow[],
  tasks: readonly string[],
  digits: number,
): { header: string[]; body: string[][] } {
  const keys = [...new Set(rows.flatMap(({ point }) => Object.keys(point.varied)))];
  const isAveraged = tasks.length > 1;
  const header = [
    ...['series', ...keys, 'trained', ...tasks, ...(isAveraged ? ['average'] : [])],
    ...['start, s', 'training, s', 'memory, GB'],
  ];
  const mean = (values: readonly number[], shown: (value: number) => string) =>
    values.length === 0 ? '' : shown(spreadOf(values).mean);
  const body = rows.map(({ point, trained, scores, averages, failures, trainings }) => [
    point.series,
    ...keys.map((key) => (key in point.varied ? valueText(point.varied[key]) : '')),
    trained === undefined ? '' : formatCount(trained),
    ...tasks.map((task) => scores.get(task)?.toFixed(digits) ?? failures[0] ?? ''),
    ...(isAveraged ? [averages.length === 0 ? '' : formatSpread(spreadOf(averages), digits)] : []),
    mean(
      trainings.flatMap(({ trainInfo }) => trainInfo.initialisationSeconds ?? []),
      (s) => s.toFixed(2),
    ),
    mean(trainings.map(trainSeconds), (s) => s.toFixed(1)),
    mean(
      trainings.flatMap(({ trainInfo }) => trainInfo.peakMemoryBytes ?? []),
      (b) => (b / 1e9).toFixed(2),
    ),
  ]);
  return { header, body };
}

function trainSeconds({ trainInfo: { metrics } }: RunRecord): number {
  return metrics.reduce((sum, { trainSeconds = 0 }) => sum + trainSeconds, 0);
}

/** Points with a score and something trained. */
export function frontierPoints(rows: readonly SweepRow[]): FrontierPoint[] {
  return rows.flatMap(({ point, trained, averages }) => {
    if (averages.length === 0 || !trained) return [];
    const { mean, standardDeviation } = spreadOf(averages);
    return [
      {
        series: point.series,
        label: variedText(point.varied) || point.method,
        cost: trained,
        score: mean,
        ...(standardDeviation === undefined ? {} : { standardDeviation }),
      },
    ];
  });
}
