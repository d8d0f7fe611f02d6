/** What makes an evaluation the one it is, known before it runs. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { DataError, fingerprintPairs } from '@psoft/datasets';
import { identityFrom, type RunIdentity, type RunRecord, readRecordFile, recordPath } from '@psoft/results';
import { BASE, ConfigError } from '../config.ts';
import { isRealData, PROTOCOL, type RecordFinder } from '../identity.ts';
import { readSplit, templateOf } from '../readSplit.ts';
import type { SourceHooks } from '../sources.ts';
import type { EvaluationConfig, EvaluationSettings } from './config.ts';
import type { EvaluationDefinition, ProblemSplit } from './definition.ts';
import type { OpenSubject, Subject } from './subject.ts';
import { EVALUATIONS } from './tasks.ts';

export function evaluationOf({ experiment, task }: Pick<EvaluationConfig, 'experiment' | 'task'>) {
  const definition = EVALUATIONS[`${experiment}/${task}`];
  if (definition === undefined) throw new DataError(`evaluation ${experiment}/${task} has no problems yet`);
  return definition;
}

/** The problems of an evaluation, as many as it wants. */
export interface ReadProblems extends ProblemSplit {
  readonly fingerprint: string;
  readonly revision?: string;
}

/** @throws DataError or HubError */
export async function readProblems(
  definition: EvaluationDefinition,
  config: EvaluationConfig,
  hooks: SourceHooks,
): Promise<ReadProblems> {
  const { limit } = config.evaluation;
  const { promptTemplate } = config.training.training;
  const { split, commit } = await readSplit(nameOf(config), definition, config, promptTemplate, hooks);
  const { source, note } = split;
  const examples = limit === undefined ? split.examples : split.examples.slice(0, limit);
  if (examples.length === 0) throw new DataError(`${source} holds no problems: there is nothing to evaluate`);
  return {
    source,
    examples,
    ...(note === undefined ? {} : { note }),
    fingerprint: fingerprintPairs(examples.map(({ prompt, reference }) => ({ prompt, response: reference }))),
    ...(commit === undefined ? {} : { revision: commit }),
  };
}

const nameOf = ({ experiment, task }: Pick<EvaluationConfig, 'experiment' | 'task'>) =>
  `${experiment}/${task}`;

/**
 * The prompt template of an evaluation is that of the training.
 * @throws ConfigError where a run was trained with another one
 */
function promptTemplateOf(config: EvaluationConfig, facts: SubjectFacts): string | undefined {
  const definition = evaluationOf(config);
  const asked = templateOf(nameOf(config), definition, config.training.training.promptTemplate);
  if (facts.kind !== 'run') return asked;
  const { trainConfig } = facts.record.runInfo;
  const trained = trainConfig.promptTemplate ?? definition.templates?.[0];
  if (trained !== asked)
    throw new ConfigError(
      `the run was trained with the prompt template "${trained}", the evaluation would ask with "${asked}": give --prompt-template=${trained}`,
    );
  return asked;
}

/** What is known of a subject without opening its model. */
export type SubjectFacts =
  | { readonly kind: 'run'; readonly record: RunRecord }
  | { readonly kind: 'adapter'; readonly adapter: NonNullable<OpenSubject['adapter']> }
  | { readonly kind: 'base' };

export function factsOf(subject: Subject, { adapter }: Pick<OpenSubject, 'adapter'>): SubjectFacts {
  return subject.kind === 'adapter' ? { kind: 'adapter', adapter: adapter! } : subject;
}

/** The part of an evaluation's `runInfo` that is known before it. */
export function plannedEvaluationInfo(config: EvaluationConfig, facts: SubjectFacts) {
  const { experiment, task, profile, evaluation } = config;
  // How many prompts are continued at once, and how far they are padded, moves no score but by rounding.
  const { batchSize: _, buckets: __, merge, precision = 'f32', ...given } = evaluation;
  const settings = generates(evaluationOf(config), evaluation.scorer) ? given : withoutGeneration(given);
  const promptTemplate = promptTemplateOf(config, facts);
  const isAdapter = facts.kind !== 'base' && Object.keys(adapterConfigOf(facts)).length > 0;
  return {
    experiment,
    task,
    profile,
    ...trainedBy(config, facts),
    protocol: PROTOCOL,
    protocolVariant: facts.kind === 'run' ? facts.record.runInfo.protocolVariant : ('paper' as const),
    evaluationConfig: JSON.parse(
      JSON.stringify({
        ...settings,
        ...(isAdapter ? { merge } : {}),
        ...(precision === 'f32' ? {} : { precision }),
        ...(promptTemplate === undefined ? {} : { promptTemplate }),
        ...(facts.kind === 'adapter' ? { adapterFingerprint: facts.adapter.fingerprint } : {}),
      }),
    ) as NonNullable<RunRecord['runInfo']['evaluationConfig']>,
  };
}

/** Whether a score is made of what a model says, and not of what it would say how probably. */
export function generates(
  { likelihoodScorers = [] }: Pick<EvaluationDefinition, 'likelihoodScorers'>,
  scorer: string,
): boolean {
  return !likelihoodScorers.includes(scorer);
}

function withoutGeneration<T extends Partial<EvaluationSettings>>({
  maxNewTokens: _,
  strategy: __,
  ...rest
}: T) {
  return rest;
}

function adapterConfigOf(facts: Exclude<SubjectFacts, { kind: 'base' }>) {
  return facts.kind === 'run' ? facts.record.runInfo.adapterConfig : facts.adapter.config;
}

/** Names and settings of what is evaluated. */
function trainedBy(config: EvaluationConfig, facts: SubjectFacts) {
  const { training } = config;
  const isOnReal = config.profile === 'tiny' && isRealData(config);
  if (facts.kind === 'run') {
    const { task, method, variant, seed, seeds, trainConfig, adapterConfig, configHash } =
      facts.record.runInfo;
    // A training on real data has it in its name already.
    const marked = isOnReal && !(variant ?? '').endsWith('real-data') ? 'on-real-data' : undefined;
    return {
      method,
      ...variantOf([variant, marked]),
      seed,
      seeds,
      trainConfig,
      adapterConfig,
      evaluates: { task, configHash },
    };
  }
  const { seed } = training;
  const rest = { seed, seeds: { init: seed, order: seed, dropout: seed }, trainConfig: {} };
  const marked = isOnReal ? 'on-real-data' : undefined;
  if (facts.kind === 'base') return { ...rest, method: BASE, ...variantOf([marked]), adapterConfig: {} };
  const { method, config: adapterConfig } = facts.adapter;
  return {
    ...rest,
    method,
    ...variantOf(['external', marked]),
    adapterConfig: adapterConfig as RunRecord['runInfo']['adapterConfig'],
  };
}

function variantOf(parts: readonly (string | undefined)[]): { variant?: string } {
  const name = parts.filter((part) => part !== undefined).join('-');
  return name === '' ? {} : { variant: name };
}

/** The part of an evaluation's `metaInfo` that says what it read. */
export function evaluationSourceInfo(
  config: EvaluationConfig,
  problems: Pick<ReadProblems, 'examples' | 'fingerprint' | 'revision'>,
  base: { readonly name: string; readonly fingerprint: string; readonly revision?: string },
) {
  const { examples, fingerprint, revision } = problems;
  return {
    modelInfo: base,
    datasetInfo: {
      name: isRealData(config) ? config.task : `generated ${config.task}`,
      ...(revision === undefined ? {} : { revision }),
      splits: [{ name: 'test', count: examples.length, fingerprint }],
    },
  };
}

/**
 * Tells of a finished run, or the base model, whether an evaluation of it is recorded. Problems are read once each.
 */
export class EvaluationFinder {
  readonly #problems = new Map<string, Promise<ReadProblems>>();

  constructor(
    private readonly resultsFolder: string,
    private readonly hooks: SourceHooks = {},
  ) {}

  /**
   * Of an evaluation of a configured training, or of the base model.
   * @returns the record's file; undefined where there is none, as where the training is not recorded
   */
  async findOf(config: EvaluationConfig, trainings: RecordFinder): Promise<string | undefined> {
    const { training } = config;
    if (training.method === BASE) return this.find(config, { kind: 'base' }, await trainings.base(training));
    const file = await trainings.find(training);
    if (file === undefined) return undefined;
    const record = await readRecordFile(file);
    return this.find(config, { kind: 'run', record }, record.metaInfo.modelInfo);
  }

  /**
   * @param base of the model that is evaluated
   * @returns the record's file, where there is one
   */
  async find(
    config: EvaluationConfig,
    facts: SubjectFacts,
    base: { readonly name: string; readonly fingerprint: string },
  ): Promise<string | undefined> {
    const { experiment, task, dataFolder, dataHub, dataUrl, evaluation, training } = config;
    const place = [dataFolder, dataHub, dataUrl, training.training.promptTemplate];
    const key = JSON.stringify([experiment, task, place, evaluation.limit]);
    const problems = this.#problems.get(key) ?? readProblems(evaluationOf(config), config, this.hooks);
    this.#problems.set(key, problems);
    const identity = evaluationIdentity(config, facts, await problems, base);
    const file = path.join(this.resultsFolder, recordPath(identity));
    return existsSync(file) ? file : undefined;
  }
}

export function evaluationIdentity(
  config: EvaluationConfig,
  facts: SubjectFacts,
  problems: ReadProblems,
  base: { readonly name: string; readonly fingerprint: string },
): RunIdentity {
  return identityFrom(plannedEvaluationInfo(config, facts), evaluationSourceInfo(config, problems, base));
}
