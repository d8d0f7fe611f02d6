/** The command that makes a record again: checked by resolving it, never guessed. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { canonicalJson, type RunInfo, type RunRecord } from '@psoft/results';
import type { Reproduction } from '@psoft/results/report/page';
import { BASE } from '@psoft/training/config';
import { ON_REAL_DATA, plannedRunInfo } from '@psoft/training/identity';
import { rankSettings } from '../../methodFlags.ts';
import { resolveRun, type TrainOptions } from '../../resolve.ts';
import { resolveEvaluation } from '../../resolveEvaluation.ts';
import { type Experiment, ROOT } from '../../workspace.ts';
import { plannedEvaluation } from './plan.ts';

/** Training settings that have a flag, by their names in records. */
const FLAGS = {
  ...{ epochs: '--epochs', batchSize: '--batch-size', microBatchSize: '--micro-batch-size' },
  ...{ learningRate: '--learning-rate', headLearningRate: '--head-learning-rate' },
  ...{ maxSteps: '--max-steps', maxLength: '--max-length', precision: '--precision' },
  ...{ adapterStorage: '--adapter-storage', promptTemplate: '--prompt-template' },
} as const;

type Values = Readonly<Record<string, unknown>>;

/** @param records of which evaluations name the runs that they evaluated, by configHash */
export function reproducer(experiments: ReadonlyMap<string, Experiment>, records: readonly RunRecord[]) {
  const byHash = new Map(records.map((record) => [record.runInfo.configHash, record]));
  return (record: RunRecord): Reproduction => {
    try {
      return commandsOf(record, experiments, byHash);
    } catch (error) {
      // A method or a task that the experiments no longer have.
      return { reason: `No command makes this run today: ${(error as Error).message}` };
    }
  };
}

function commandsOf(
  { runInfo }: RunRecord,
  experiments: ReadonlyMap<string, Experiment>,
  byHash: ReadonlyMap<string, RunRecord>,
): Reproduction {
  const { experiment, task, evaluationConfig, evaluates } = runInfo;
  if (evaluationConfig === undefined) {
    const options = trainingOptions(runInfo, experiments);
    return 'differing' in options
      ? changed(options.differing)
      : { commands: [line(`${experiment}:${task}`, options, runInfo)] };
  }
  const training = evaluates && byHash.get(evaluates.configHash)?.runInfo;
  if (training === undefined && runInfo.method !== BASE)
    return { reason: 'The run that was evaluated is not among the records.' };
  const options = training ? trainingOptions(training, experiments) : baseOptions(runInfo);
  if ('differing' in options) return changed(options.differing);
  const scorer = String(evaluationConfig.scorer);
  const { precision } = evaluationConfig as { readonly precision?: string };
  const answered = precision === undefined ? {} : { precision };
  const resolve = (asked: { scorer?: string }) =>
    resolveEvaluation(
      experiments,
      `${experiment}/${task}`,
      { training: options.resolved, ...answered, ...asked },
      rankSettings,
    );
  const own = resolve({});
  const asked = own.evaluation.scorer === scorer ? {} : { scorer };
  const planned = plannedEvaluation(resolve(asked), scorer).readings[0]!.evaluationConfig;
  if (canonicalJson(planned) !== canonicalJson(evaluationConfig))
    return changed(differing(evaluationConfig, planned ?? {}).map(([key]) => key));
  const flags = [
    ...options.flags.map((flag) => flag.replace(/^--precision=/, '--trained-precision=')),
    ...(precision === undefined ? [] : [`--precision=${precision}`]),
  ];
  const evaluate = line(`${experiment}:${task}`, { ...options, flags }, runInfo, asked.scorer);
  return {
    commands: training ? [line(`${experiment}:${training.task}`, options, training), evaluate] : [evaluate],
  };
}

/** @param keys of settings; of the evaluation's where none are known */
const changed = (keys: readonly string[]): Reproduction => ({
  reason: `No command gives its settings today${keys.length === 0 ? '' : ` (${keys.join(', ')})`}: the experiment’s files or the methods have changed since. All of them are listed below.`,
});

interface Options {
  readonly resolved: TrainOptions;
  readonly flags: readonly string[];
}

const baseOptions = ({ profile, seed }: RunInfo): Options => ({
  resolved: { profile, seed, method: BASE, set: [] },
  flags: ['--base', `--seed=${seed}`],
});

/** Flags for what differs from today's defaults, or the settings that no flag gives. */
function trainingOptions(
  info: RunInfo,
  experiments: ReadonlyMap<string, Experiment>,
): Options | { readonly differing: readonly string[] } {
  const { experiment, task, profile, seed, method, variant } = info;
  const isReal = variant === ON_REAL_DATA || variant?.endsWith(`-${ON_REAL_DATA}`) === true;
  const own = isReal ? variant!.slice(0, -ON_REAL_DATA.length - 1) : variant;
  const entry = own === undefined || own === '' ? method : `${method}-${own}`;
  const source = isReal ? { dataDir: 'DIR' } : {};
  const plain: TrainOptions = { profile, seed, method: entry, set: [], ...source };
  const settle = (options: TrainOptions) =>
    plannedRunInfo(resolveRun(experiments, `${experiment}/${task}`, options, rankSettings, {}));
  const planned = settle(plain);
  const training = differing(info.trainConfig, planned.trainConfig as Values);
  const adapter = differing(info.adapterConfig, planned.adapterConfig as Values);
  const isKnown = (key: string): key is keyof typeof FLAGS => key in FLAGS;
  const without = [
    ...training.filter(([key, value]) => !isKnown(key) || value === undefined),
    ...adapter.filter(([, value]) => value === undefined),
  ];
  if (without.length > 0) return { differing: without.map(([key]) => key) };
  const set = adapter.map(
    ([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const resolved = { ...plain, ...Object.fromEntries(training), set };
  const reached = settle(resolved);
  const left = [
    ...differing(info.trainConfig, reached.trainConfig as Values),
    ...differing(info.adapterConfig, reached.adapterConfig as Values),
  ];
  if (left.length > 0) return { differing: left.map(([key]) => key) };
  return {
    resolved,
    flags: [
      ...[`--method=${entry}`, `--seed=${seed}`],
      ...training.map(([key, value]) => `${FLAGS[key as keyof typeof FLAGS]}=${value}`),
      ...set.map((pair) => quoted(`--set=${pair}`)),
      ...(isReal ? ['--data-dir=DIR'] : []),
    ],
  };
}

/** Keys whose values differ, with those of the first; undefined where the first has none. */
function differing(a: Values, b: Values): [string, unknown][] {
  const same = (key: string) => canonicalJson(a[key] ?? null) === canonicalJson(b[key] ?? null);
  return [...new Set([...Object.keys(a), ...Object.keys(b)])]
    .filter((key) => !same(key))
    .map((key) => [key, a[key]]);
}

const quoted = (flag: string) => (/^[\w=.,:/-]+$/.test(flag) ? flag : `'${flag}'`);

function line(target: string, { flags }: Options, { profile }: RunInfo, scorer?: string): string {
  const [project, name] = target.split(':') as [string, string];
  const profileFlags =
    profile === 'tiny' ? [] : hasTarget(project, name) ? [`-c ${profile}`] : [`--profile=${profile}`];
  // A task without a target of its own is reached through the command.
  const start = hasTarget(project, name) ? `npx nx run ${target}` : `npx psoft train ${project}/${name}`;
  return [start, ...profileFlags, ...flags, ...(scorer === undefined ? [] : [`--scorer=${scorer}`])].join(
    ' ',
  );
}

const targets = new Map<string, Readonly<Record<string, unknown>>>();

function hasTarget(project: string, name: string): boolean {
  const file = path.join(ROOT, 'experiments', project, 'project.json');
  if (!targets.has(project))
    targets.set(project, existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')).targets ?? {}) : {});
  return name in targets.get(project)!;
}
