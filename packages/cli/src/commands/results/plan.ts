/** What the experiments' files say that a table of the paper is made of, without reading any model or data. */
import type { RunRecord } from '@psoft/results';
import type {
  PlannedCell,
  PlannedRow,
  PlannedRun,
  PlannedTable,
  Reading,
  TablePlace,
  TableSpec,
} from '@psoft/results/report/tables';
import type { RunConfig } from '@psoft/training/config';
import type { EvaluationConfig } from '@psoft/training/evaluation';
import { checkScorer, EVALUATIONS, plannedEvaluationInfo } from '@psoft/training/evaluations';
import { isRealData, plannedRunInfo } from '@psoft/training/identity';
import { type Candidate, candidatesOf, isEvaluation } from '../../cells.ts';
import { rankSettings } from '../../methodFlags.ts';
import { BASE } from '../../resolveEvaluation.ts';
import { labelOf, pointsOf, runsOf } from '../../sweep/points.ts';
import { readSweep } from '../../sweep/spec.ts';
import { type Experiment, pick } from '../../workspace.ts';

export interface PlanOptions {
  readonly profile: string;
  /** Whose verdict is shown; the experiment's where left out. Of tables of evaluations only. */
  readonly scorer?: string;
}

/** Scorers of the tasks of a table; none where runs evaluate themselves. */
export function scorersOf(spec: TableSpec, experiments: ReadonlyMap<string, Experiment>): string[] {
  if (spec.source.kind === 'bench') return [];
  const tasks = Object.keys(pick(experiments, spec.experiment, 'experiment').tasks);
  return [...new Set(tasks.flatMap((task) => EVALUATIONS[`${spec.experiment}/${task}`]?.scorers ?? []))];
}

/**
 * @returns undefined for tables that are not made of runs
 * @throws ConfigError for a scorer that the experiment does not have
 */
export function planTable(
  spec: TablePlace,
  experiments: ReadonlyMap<string, Experiment>,
  options: PlanOptions,
): PlannedTable | undefined {
  if (spec.source.kind === 'bench') return undefined;
  const experiment = pick(experiments, spec.experiment, 'experiment');
  const plan = spec.source.kind === 'sweep' ? planSweep : planMethods;
  const { tasks, seeds, rows } = plan(spec, experiments, options);
  const isEvaluated = tasks.some((task) => experiment.tasks[task]?.evaluates !== undefined);
  const own = experiment.profiles[options.profile]?.evaluation?.scorer as string | undefined;
  const scorer = isEvaluated ? (options.scorer ?? own) : undefined;
  return {
    profile: options.profile,
    ...{ seeds, tasks, rows },
    ...(scorer === undefined ? {} : { scorer, ...(scorer === own ? {} : { isScorerAsked: true }) }),
  };
}

type Planned = Pick<PlannedTable, 'tasks' | 'seeds' | 'rows'>;

function planMethods(
  { experiment: name, id }: TablePlace,
  experiments: ReadonlyMap<string, Experiment>,
  { profile, scorer }: PlanOptions,
): Planned {
  const experiment = pick(experiments, name, 'experiment');
  const { tasks, methods, seeds: all } = pick(experiment.tables ?? {}, id, `table of ${name}`);
  const seeds = pick(all, profile, `profile of ${name}/${id}`);
  const rows = methods.map((key): PlannedRow => {
    const cells = tasks.map((task) => {
      const bySeed = seeds.map((seed) => ({
        seed,
        candidates: candidatesOf(
          experiments,
          `${name}/${task}`,
          { profile, method: key, seed, set: [] },
          rankSettings,
        ),
      }));
      return [task, cellOf(bySeed, scorer)] as const;
    });
    return { key, method: experiment.methods[key]?.method ?? key, cells: Object.fromEntries(cells) };
  });
  return { tasks, seeds, rows };
}

function planSweep(
  { experiment: name, id }: TablePlace,
  experiments: ReadonlyMap<string, Experiment>,
  { profile, scorer }: PlanOptions,
): Planned {
  const sweep = readSweep(`${name}/${id}`, experiments);
  const seeds = pick(sweep.seeds, profile, `profile of the sweep ${name}/${id}`);
  const runs = runsOf(sweep, experiments, { profile }, seeds, rankSettings);
  const { methods } = pick(experiments, name, 'experiment');
  const rows = pointsOf(sweep, profile).map((point): PlannedRow => {
    const key = labelOf(point);
    const cells = sweep.tasks.map((task) => {
      const own = runs.filter((run) => labelOf(run.point) === key && run.task === task);
      return [
        task,
        cellOf(
          own.map(({ seed, config }) => ({ seed, candidates: [config] })),
          scorer,
        ),
      ] as const;
    });
    const { method: entry, series, varied } = point;
    return { key, method: methods[entry]?.method ?? entry, series, varied, cells: Object.fromEntries(cells) };
  });
  return { tasks: sweep.tasks, seeds, rows };
}

interface SeedCandidates {
  readonly seed: number;
  readonly candidates: readonly Candidate[];
}

function cellOf(seeds: readonly SeedCandidates[], scorer: string | undefined): PlannedCell {
  const unavailable = seeds.flatMap(({ candidates }) =>
    candidates.flatMap((one) => ('unavailable' in one ? [one.unavailable] : [])),
  );
  if (unavailable.length > 0) return { unavailable: unavailable[0]! };
  return {
    seeds: seeds.map(({ seed, candidates }) => ({
      seed,
      candidates: candidates.flatMap((one) => ('unavailable' in one ? [] : [plannedRun(one, scorer)])),
    })),
  };
}

function plannedRun(config: RunConfig | EvaluationConfig, scorer: string | undefined): PlannedRun {
  if (isEvaluation(config)) return plannedEvaluation(config, scorer ?? config.evaluation.scorer);
  return {
    ...pickIdentity(plannedRunInfo(config)),
    ...modelAndData(config.model, config),
    readings: [{}],
  };
}

/** Evaluations by the scorer come first; others that have its verdicts beside their own do as well. */
export function plannedEvaluation(config: EvaluationConfig, scorer: string): PlannedRun {
  const { training } = config;
  const definition = EVALUATIONS[`${config.experiment}/${config.task}`]!;
  checkScorer(definition, scorer);
  const facts =
    training.method === BASE
      ? ({ kind: 'base' } as const)
      : // What it trained has no hash before it is run, and evaluations are recognised without.
        ({ kind: 'run', record: { runInfo: plannedRunInfo(training) } as unknown as RunRecord } as const);
  const infoBy = (one: string) =>
    plannedEvaluationInfo({ ...config, evaluation: { ...config.evaluation, scorer: one } }, facts);
  const others = definition.scorers.filter((one) => one !== scorer);
  return {
    ...pickIdentity(infoBy(scorer)),
    ...modelAndData(training.model, config),
    readings: [scorer, ...others].map(
      (one): Reading => ({
        evaluationConfig: infoBy(one).evaluationConfig,
        ...(one === scorer ? {} : { metric: `${scorer}Accuracy` }),
      }),
    ),
  };
}

type Identity = Omit<PlannedRun, 'model' | 'modelRevision' | 'dataset' | 'readings'>;

function pickIdentity(info: Identity): Identity {
  const { experiment, task, profile, method, variant, seed } = info;
  const { protocol, protocolVariant, trainConfig, adapterConfig } = info;
  return {
    ...{ experiment, task, profile, method, ...(variant === undefined ? {} : { variant }), seed },
    ...{ protocol, protocolVariant, trainConfig, adapterConfig },
  };
}

function modelAndData(
  { name, revision }: RunConfig['model'],
  source: RunConfig | EvaluationConfig,
): Pick<PlannedRun, 'model' | 'modelRevision' | 'dataset'> {
  return {
    model: name,
    ...(revision === undefined ? {} : { modelRevision: revision }),
    dataset: isRealData(source) ? source.task : `generated ${source.task}`,
  };
}
