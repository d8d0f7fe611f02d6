/** About how long runs take and how much memory, and from what that is known. */
import type { RunRecord } from '@psoft/results';
import { BASE, type RunConfig } from '@psoft/training/config';
import type { EvaluationConfig } from '@psoft/training/evaluation';
import { type RunRequest, supervise } from '@psoft/training/supervise';
import { type Candidate, isEvaluation } from '../cells.ts';
import { sourceEvents } from '../commands/progress.ts';
import type { SeriesRun } from '../commands/series.ts';
import type { Job } from './jobs.ts';
import { type Described, type Measured, measuredOf, mostAlike, thisMachine } from './measured.ts';
import type { Estimated } from './state.ts';

export interface Estimate extends Estimated {
  /** What it was reckoned from, for people; absent where nothing is known. */
  readonly from?: string;
}

/** Estimates runs from records, and where it is asked to by timing a few steps. */
export class Estimator {
  readonly #probes = new Map<string, Promise<Estimate>>();
  readonly #memory = new Map<string, Promise<number | undefined>>();

  private constructor(
    private readonly measured: readonly Measured[],
    private readonly options: RunRequest['options'],
    private readonly describe: (config: RunConfig | EvaluationConfig) => Described,
  ) {}

  static async open(folders: readonly string[], options: RunRequest['options']): Promise<Estimator> {
    const [{ canonicalJson, readRecords }, { plannedRunInfo }] = await Promise.all([
      import('@psoft/results'),
      import('@psoft/training/identity'),
    ]);
    const records: RunRecord[] = [];
    for (const folder of new Set(folders)) records.push(...(await readRecords(folder)).records);
    const plain = (value: unknown) => canonicalJson(JSON.parse(JSON.stringify(value)));
    const provider = options.executor.replace(/^eager-node/, 'tensorflow').replace(/^eager-/, '');
    const describe = (config: RunConfig | EvaluationConfig): Described => {
      const training = isEvaluation(config) ? config.training : config;
      const { task, method, variant, trainConfig, adapterConfig } =
        training.method === BASE ? baseInfo(training) : plannedRunInfo(training);
      return {
        experiment: config.experiment,
        task: isEvaluation(config) ? config.task : task,
        profile: config.profile,
        method: variant === undefined ? method : `${method}-${variant}`,
        model: training.model.name,
        settings: plain({ trainConfig, adapterConfig }),
        isEvaluation: isEvaluation(config),
        provider,
      };
    };
    return new Estimator(
      records.flatMap((record) => measuredOf(record, plain) ?? []),
      options,
      describe,
    );
  }

  /** @param mayProbe times a few steps where no record tells */
  async run(config: Exclude<Candidate, { unavailable: string }>, mayProbe: boolean): Promise<Estimate> {
    const described = this.describe(config);
    const found = mostAlike(described, this.measured);
    if (found !== undefined) {
      const { likeness, runs } = found;
      const seconds = isEvaluation(config)
        ? secondsOfEvaluation(config, runs)
        : secondsOfTraining(config, runs);
      const memories = runs.flatMap(({ memoryBytes }) => memoryBytes ?? []);
      const elsewhere = runs.some(({ machine }) => machine === thisMachine())
        ? ''
        : `, measured on ${runs[0]!.machine}`;
      return {
        seconds,
        ...(memories.length === 0 ? {} : { memoryBytes: Math.max(...memories) }),
        from: `records of ${likeness}${elsewhere}`,
      };
    }
    const memoryBytes = await this.#plannedMemory(config);
    if (mayProbe && !isEvaluation(config)) return this.#probe(config);
    return memoryBytes === undefined ? {} : { memoryBytes, from: 'the memory planner (no time: --probe)' };
  }

  #probe(config: RunConfig): Promise<Estimate> {
    const key = JSON.stringify({ ...config, seed: 0 });
    const found =
      this.#probes.get(key) ??
      supervise('plan', { config, options: this.options }, sourceEvents()).then(
        ({ seconds, memory }): Estimate => ({
          seconds: seconds.compile + seconds.train + seconds.evaluate,
          memoryBytes: memory.peakBytes,
          from: 'a few steps timed now',
        }),
      );
    this.#probes.set(key, found);
    return found;
  }

  /** Of language models whose architecture the experiment states, with weights as they are published. */
  #plannedMemory(config: RunConfig | EvaluationConfig): Promise<number | undefined> {
    const training = isEvaluation(config) ? config.training : config;
    if (training.model.architecture === undefined || training.method === BASE)
      return Promise.resolve(undefined);
    const key = JSON.stringify({ ...training, seed: 0, task: '' });
    const found =
      this.#memory.get(key) ??
      supervise('memory', { config: training }).then(
        (plan) => plan?.bf16.total,
        () => undefined,
      );
    this.#memory.set(key, found);
    return found;
  }
}

function baseInfo({ task, method, variant }: RunConfig) {
  return { task, method, variant, trainConfig: {}, adapterConfig: {} };
}

/** What is loaded and compiled, so many steps, and an evaluation after every epoch. */
function secondsOfTraining({ training }: RunConfig, runs: readonly Measured[]): number {
  const stepsAnEpoch = Math.max(0, ...runs.flatMap((run) => run.stepsAnEpoch ?? []));
  const steps = Math.min(training.epochs * stepsAnEpoch, training.maxSteps ?? Number.POSITIVE_INFINITY);
  if (stepsAnEpoch === 0) return median(runs.map(({ totalSeconds }) => totalSeconds));
  const evaluations = Math.ceil(steps / (training.evaluationSteps ?? stepsAnEpoch));
  return (
    median(runs.map(({ otherSeconds }) => otherSeconds)) +
    steps * median(runs.flatMap(({ stepSeconds }) => stepSeconds ?? [])) +
    evaluations * median(runs.flatMap(({ evaluationSeconds }) => evaluationSeconds ?? []))
  );
}

/** In proportion to the problems, where only some are asked for. */
function secondsOfEvaluation({ evaluation: { limit } }: EvaluationConfig, runs: readonly Measured[]): number {
  return median(
    runs.map(({ totalSeconds, problems }) =>
      limit === undefined || problems === undefined
        ? totalSeconds
        : totalSeconds * Math.min(1, limit / problems),
    ),
  );
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Of a job: its open runs one after the other, and the training that they need. */
export async function estimateJob(
  job: Job,
  runs: readonly SeriesRun[],
  isOpen: (at: number) => boolean,
  isTrained: (config: RunConfig) => boolean | Promise<boolean>,
  estimator: Estimator,
  mayProbe: boolean,
): Promise<Estimate> {
  const parts: Estimate[] = [];
  let training: RunConfig | undefined;
  for (const at of job.runs.filter(isOpen)) {
    const { config } = runs[at]!;
    if ('unavailable' in config) continue;
    parts.push(await estimator.run(config, mayProbe));
    if (isEvaluation(config) && config.training.method !== BASE) training = config.training;
  }
  if (training !== undefined && !(await isTrained(training)))
    parts.push(await estimator.run(training, mayProbe));
  const known = parts.flatMap(({ seconds }) => seconds ?? []);
  const memories = parts.flatMap(({ memoryBytes }) => memoryBytes ?? []);
  const sources = [...new Set(parts.flatMap(({ from }) => from ?? []))];
  return {
    // A part that is unknown makes the whole unknown.
    ...(parts.length > 0 && known.length === parts.length
      ? { seconds: known.reduce((sum, one) => sum + one, 0) }
      : {}),
    ...(memories.length === 0 ? {} : { memoryBytes: Math.max(...memories) }),
    ...(sources.length === 0 ? {} : { from: sources.join('; ') }),
  };
}
