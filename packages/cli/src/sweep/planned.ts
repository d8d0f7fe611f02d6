/** What a target of `psoft sweep` means: the runs of a sweep's file, or of a table, resolved and checked as a whole. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { ConfigError } from '@psoft/training/config';
import type { PlanOptionValues, ReportOptionValues, TableOptionValues } from '../commands/planOptions.ts';
import { printTable } from '../commands/reportTable.ts';
import { candidateRuns } from '../commands/search.ts';
import type { Outcome, SeriesRun } from '../commands/series.ts';
import { rankSettings } from '../methodFlags.ts';
import { dataOptions } from '../resolve.ts';
import { EXPERIMENTS_ROOT, type Experiment, findExperiments, pick } from '../workspace.ts';
import { reportSweep } from './frontierReport.ts';
import { pointsOf, runsOf, type SweepOptions } from './points.ts';
import { readSweep } from './spec.ts';
import { tableRuns } from './tableRuns.ts';

export type SweepOptionValues = PlanOptionValues & TableOptionValues;
export type SweepReportValues = PlanOptionValues & ReportOptionValues & { readonly chart?: string };

export interface PlannedSweep {
  /** Part of its folder's name. */
  readonly name: string;
  /** For people: what it is, and the profile. */
  readonly title: string;
  readonly experiment: string;
  /** What is tried, whatever the seed: combinations of settings, or cells of a table with their rates. */
  readonly settings: number;
  readonly seeds: readonly number[];
  readonly runs: readonly SeriesRun[];
  /** Prints, and where there is one draws, what came out. @param outcomes one a run, in order */
  report(outcomes: readonly Outcome[], options: SweepReportValues): Promise<void>;
}

/**
 * @param target EXPERIMENT/SWEEP, EXPERIMENT/TABLE or the path of a sweep's .json file
 * @throws ConfigError
 */
export function planSweep(target: string, options: SweepOptionValues): PlannedSweep {
  const experiments = findExperiments();
  return isTable(target, experiments)
    ? planTable(target, experiments, options)
    : planFile(target, experiments, options);
}

/** A file of that name goes before a table. */
function isTable(target: string, experiments: ReadonlyMap<string, Experiment>): boolean {
  const [experiment = '', name = ''] = target.split('/');
  const tables = experiments.get(experiment)?.tables;
  const file = path.join(EXPERIMENTS_ROOT, 'experiments', experiment, 'sweeps', `${name}.json`);
  return tables !== undefined && Object.hasOwn(tables, name) && !existsSync(file);
}

function planTable(
  target: string,
  experiments: ReadonlyMap<string, Experiment>,
  options: SweepOptionValues,
): PlannedSweep {
  const table = tableRuns(target, experiments, options);
  const runs = candidateRuns(table.runs);
  return {
    name: target.replace('/', '-'),
    title: table.title,
    experiment: target.split('/')[0]!,
    settings: runs.length / table.seeds.length,
    seeds: table.seeds,
    runs,
    report: (outcomes, shown) =>
      printTable(
        `${table.title}, seeds ${table.seeds.join(', ')}`,
        table.table(table.choose(outcomes)),
        shown,
      ),
  };
}

function planFile(
  target: string,
  experiments: ReadonlyMap<string, Experiment>,
  options: SweepOptionValues,
): PlannedSweep {
  for (const [flag, given] of Object.entries({
    '--methods': options.methods,
    '--tasks': options.tasks,
    '--learning-rates': options.learningRates,
  }))
    if (given !== undefined) throw new ConfigError(`${flag} is for tables: a sweep's file says what is run`);
  const sweep = readSweep(target, experiments);
  const { profile } = options;
  const seeds = options.seeds ?? pick(sweep.seeds, profile, `profile of the sweep ${sweep.name}`);
  const runs = runsOf(sweep, experiments, sweepOptions(options), seeds, rankSettings);
  return {
    name: `${sweep.experiment}-${sweep.name}`,
    title: `${sweep.title}, profile ${profile}`,
    experiment: sweep.experiment,
    settings: pointsOf(sweep, profile).length,
    seeds,
    runs,
    report: (outcomes, shown) => reportSweep({ sweep, seeds, runs }, outcomes, shown),
  };
}

function sweepOptions(options: SweepOptionValues): SweepOptions {
  const { profile, maxSteps, limit, scorer, modelDir, model, precision } = options;
  const given = { profile, maxSteps, limit, scorer, modelDir, model, precision, ...dataOptions(options) };
  return Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  ) as unknown as SweepOptions;
}
