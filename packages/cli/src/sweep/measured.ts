/** What runs took that are recorded, put so that runs of other lengths can be reckoned from it. */
import os from 'node:os';
import type { RunRecord } from '@psoft/results';

/** How like the runs are that an estimate is made from; the first that has any is taken. */
export const LIKENESS = [
  'the same configuration',
  'the same task and method with other settings',
  'other methods on the same task',
  'other tasks of the experiment',
] as const;
export type Likeness = (typeof LIKENESS)[number];

/** What a run is compared by. */
export interface Described {
  readonly experiment: string;
  readonly task: string;
  readonly profile: string;
  /** With its variant. */
  readonly method: string;
  readonly model: string;
  /** Of what was trained, all settings but the seed, as one text. */
  readonly settings: string;
  readonly isEvaluation: boolean;
  readonly provider: string;
}

export interface Measured extends Described {
  /** As cpuModel and cores name it. */
  readonly machine: string;
  readonly totalSeconds: number;
  /** Neither steps nor evaluations: loading, compiling, the report. Of evaluations the whole. */
  readonly otherSeconds: number;
  readonly stepSeconds?: number;
  readonly evaluationSeconds?: number;
  readonly stepsAnEpoch?: number;
  readonly problems?: number;
  readonly memoryBytes?: number;
}

export const machineName = (cpuModel: string, cores: number): string => `${cpuModel}, ${cores} cores`;

export function thisMachine(): string {
  return machineName(os.cpus()[0]?.model.trim() ?? 'unknown', os.availableParallelism());
}

export function measuredOf(record: RunRecord, canonical: (value: unknown) => string): Measured | undefined {
  const { runInfo, trainInfo, metaInfo } = record;
  if (runInfo.status !== 'completed') return undefined;
  const { metrics: rows } = trainInfo;
  const last = rows.at(-1);
  const sum = (of: (row: (typeof rows)[number]) => number | undefined) =>
    rows.reduce((total, row) => total + (of(row) ?? 0), 0);
  const [training, evaluating] = [sum((row) => row.trainSeconds), sum((row) => row.evalSeconds)];
  const memory = trainInfo.peakMemoryBytes;
  const problems = trainInfo.generation?.prompts ?? trainInfo.likelihood?.problems;
  return {
    ...describeRecord(record, canonical),
    machine: machineName(metaInfo.systemInfo.cpuModel.trim(), metaInfo.systemInfo.cores),
    totalSeconds: runInfo.totalSeconds,
    otherSeconds: Math.max(0, runInfo.totalSeconds - training - evaluating),
    ...(last === undefined || last.step === 0
      ? {}
      : {
          stepSeconds: training / last.step,
          evaluationSeconds: evaluating / rows.length,
          // Of a run that was cut short within its first epoch too few.
          stepsAnEpoch: last.step / last.epoch,
        }),
    ...(problems === undefined ? {} : { problems }),
    ...(memory === undefined ? {} : { memoryBytes: memory }),
  };
}

function describeRecord({ runInfo, metaInfo }: RunRecord, canonical: (value: unknown) => string): Described {
  const { experiment, task, profile, method, variant, trainConfig, adapterConfig, evaluationConfig } =
    runInfo;
  return {
    experiment,
    task,
    profile,
    method: variant === undefined ? method : `${method}-${variant}`,
    model: metaInfo.modelInfo.name,
    settings: canonical({ trainConfig, adapterConfig }),
    isEvaluation: evaluationConfig !== undefined,
    provider: metaInfo.systemInfo.executionProvider,
  };
}

/** Those of the most alike, on this machine where there are any. */
export function mostAlike(
  run: Described,
  all: readonly Measured[],
  machine = thisMachine(),
): { readonly likeness: Likeness; readonly runs: readonly Measured[] } | undefined {
  const alike = all.filter(
    (one) =>
      one.experiment === run.experiment &&
      one.profile === run.profile &&
      one.model === run.model &&
      one.isEvaluation === run.isEvaluation &&
      one.provider === run.provider,
  );
  const levels: Record<Likeness, (one: Measured) => boolean> = {
    'the same configuration': (one) =>
      one.task === run.task && one.method === run.method && one.settings === run.settings,
    'the same task and method with other settings': (one) =>
      one.task === run.task && one.method === run.method,
    'other methods on the same task': (one) => one.task === run.task,
    'other tasks of the experiment': () => true,
  };
  for (const likeness of LIKENESS) {
    const runs = alike.filter(levels[likeness]);
    const here = runs.filter((one) => one.machine === machine);
    if (runs.length > 0) return { likeness, runs: here.length > 0 ? here : runs };
  }
  return undefined;
}
