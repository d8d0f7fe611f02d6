/** From a target that evaluates ("math/gsm8k") and options to the configuration of one evaluation. */
import { ConfigError } from '@psoft/training/config';
import { checkEvaluationSettings, type EvaluationConfig } from '@psoft/training/evaluation';
import {
  type DataOptions,
  dataOf,
  dataOptions,
  type RankSettings,
  referenceOf,
  resolveRun,
  type TrainOptions,
  targetOf,
} from './resolve.ts';
import { type Experiment, type Layer, type Overrides, pick } from './workspace.ts';

export { BASE } from '@psoft/training/config';

/** Where the problems are is said by the options of data. */
export interface EvaluateOptions extends DataOptions {
  /** What was trained, by the options that trained it. */
  readonly training: TrainOptions;
  readonly scorer?: string;
  readonly maxNewTokens?: number;
  readonly batchSize?: number;
  readonly limit?: number;
  readonly merge?: boolean;
  /** Of answering; that of the training is the training's. */
  readonly precision?: string;
  readonly strategy?: Layer;
}

/**
 * Layers of settings, later ones winning: profile, task, command line.
 * @throws ConfigError for unknown names and values, and for a target that trains
 */
export function resolveEvaluation(
  experiments: ReadonlyMap<string, Experiment>,
  target: string,
  options: EvaluateOptions,
  rankSettings: RankSettings,
  environment: NodeJS.ProcessEnv = process.env,
): EvaluationConfig {
  const { experimentName, experiment, taskName, task } = targetOf(experiments, target);
  if (task.evaluates === undefined)
    throw new ConfigError(
      `${target} evaluates itself: psoft train ${target}; evaluations are ${evaluationsOf(experiment).join(', ') || 'none here'}`,
    );
  const { training: trainOptions } = options;
  const { profile: profileName } = trainOptions;
  const profile = pick(experiment.profiles, profileName, `profile of ${experimentName}`);
  const taskLayer: Overrides = task[profileName as 'tiny' | 'paper'] ?? {};
  const training = resolveRun(
    experiments,
    `${experimentName}/${task.evaluates}`,
    trainOptions,
    rankSettings,
    environment,
  );
  const { scorer, maxNewTokens, batchSize, limit, merge, precision, strategy } = options;
  const asked = Object.fromEntries(
    Object.entries({ scorer, maxNewTokens, batchSize, limit, merge, precision, strategy }).filter(
      ([, value]) => value !== undefined,
    ),
  );
  const evaluation = checkEvaluationSettings(
    { merge: true, strategy: { kind: 'greedy' }, ...profile.evaluation, ...taskLayer.evaluation, ...asked },
    target,
  );
  const isPublished =
    training.reference === undefined &&
    Object.keys(asked).every((name) => name === 'batchSize') &&
    !isChanged(trainOptions);
  return {
    experiment: experimentName,
    task: taskName,
    profile: profileName,
    ...dataOf(
      profile,
      { ...task, name: taskName },
      {
        profile: profileName,
        ...dataOptions(options),
      },
      environment,
    ),
    training,
    ...(isPublished ? referenceOf(task, trainOptions) : {}),
    evaluation,
  };
}

/** Whether a run's own settings, or its model, were asked for: then exactly that run is meant, not the newest of its name. */
export function isChanged(options: TrainOptions): boolean {
  const { rank, alpha, epochs, learningRate, batchSize, maxSteps, precision, model, modelDir } = options;
  const { promptTemplate, lossOnPrompt } = options;
  const asked = [
    ...[rank, alpha, epochs, learningRate, batchSize, maxSteps, precision, model, modelDir],
    ...[promptTemplate, lossOnPrompt],
  ];
  const { set, settings = {} } = options;
  return asked.some((one) => one !== undefined) || set.length > 0 || Object.keys(settings).length > 0;
}

function evaluationsOf({ experiment, tasks }: Experiment): string[] {
  return Object.entries(tasks)
    .filter(([, { evaluates }]) => evaluates !== undefined)
    .map(([name]) => `${experiment}/${name}`);
}
