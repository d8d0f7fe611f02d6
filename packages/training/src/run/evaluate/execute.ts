/** One evaluation: prompts, generation, verdicts, and their record. Runs inside the computing process. */
import { PeftModel } from '@psoft/adapter';
import { cutAtStop, promptHash, type Tokenizer } from '@psoft/datasets';
import type { TrainableModel } from '@psoft/engine';
import { configHash, peakMemoryBytes, type RunRecord, SCHEMA_VERSION, writeRecord } from '@psoft/results';
import { type Generation, Generator } from '../../generate/index.ts';
import { encodePrompt, eosIdsOf } from '../../generate/prompts.ts';
import { freeze } from '../../trainable.ts';
import { ConfigError } from '../config.ts';
import { type RunHooks, sourceHooks } from '../execute.ts';
import { runPlaces } from '../identity.ts';
import type { RunOptions } from '../protocol.ts';
import { environmentOf } from '../record.ts';
import type { EvaluationConfig } from './config.ts';
import type { EvaluationDefinition } from './definition.ts';
import { type GenerationRow, metricsOf, verdictsOf, writeGenerations } from './generations.ts';
import {
  evaluationIdentity,
  evaluationOf,
  evaluationSourceInfo,
  factsOf,
  plannedEvaluationInfo,
  type ReadProblems,
  readProblems,
} from './identity.ts';
import { openSubject, type Subject } from './subject.ts';

export interface EvaluateRequest {
  readonly config: EvaluationConfig;
  readonly subject: Subject;
  readonly options: RunOptions;
}

export interface EvaluationSummary {
  readonly status: 'completed' | 'cancelled';
  readonly metrics: Readonly<Record<string, number>>;
  readonly generation?: NonNullable<RunRecord['trainInfo']['generation']>;
  readonly recordFile?: string;
  readonly generationsFile?: string;
}

/**
 * Answers every problem, stores what was generated with every scorer's verdict, and records the scores. An evaluation
 * that is stopped leaves nothing.
 */
export async function executeEvaluation(
  { config, subject, options }: EvaluateRequest,
  hooks: RunHooks,
): Promise<EvaluationSummary> {
  const started = performance.now();
  const createdAt = new Date().toISOString();
  const definition = evaluationOf(config);
  const { evaluation } = config;
  checkScorer(definition, evaluation.scorer);
  const problems = await readProblems(definition, config, sourceHooks(hooks));
  if (problems.note !== undefined) hooks.note(problems.note);
  const open = await openSubject(subject, config.training, sourceHooks(hooks));
  const base = {
    name: open.baseName,
    ...(open.baseRevision === undefined ? {} : { revision: open.baseRevision }),
    fingerprint: open.baseFingerprint,
  };
  const facts = factsOf(subject, open);
  const identity = evaluationIdentity(config, facts, problems, base);
  const { runFolder } = runPlaces(identity, options);
  hooks.note(describe(config, subject, problems));

  const done = await answer(open.model, open.tokenizer, definition, problems, config, options, hooks);
  if (done === undefined) return { status: 'cancelled', metrics: {} };
  const { rows, generation } = done;
  const metrics = metricsOf(definition, rows, evaluation.scorer);
  const generationsFile = await writeGenerations(runFolder, config, rows);
  const recordFile = await writeRecord(options.resultsFolder, {
    schemaVersion: SCHEMA_VERSION,
    runInfo: {
      ...plannedEvaluationInfo(config, facts),
      configHash: configHash(identity),
      createdAt,
      totalSeconds: (performance.now() - started) / 1000,
      status: 'completed',
    },
    trainInfo: {
      parameters: open.parameters,
      selectionMetric: 'accuracy',
      metrics: [],
      test: metrics,
      generation,
      peakMemoryBytes: peakMemoryBytes(),
    },
    metaInfo: {
      ...evaluationSourceInfo(config, problems, base),
      ...(await environmentOf(options)),
    },
    ...(config.reference === undefined
      ? {}
      : { referenceScore: { metric: 'accuracy', ...config.reference } }),
  });
  return { status: 'completed', metrics, generation, recordFile, generationsFile };
}

/** @throws ConfigError listing the scorers that there are */
export function checkScorer({ scorers }: Pick<EvaluationDefinition, 'scorers'>, scorer: string): void {
  if (!scorers.includes(scorer))
    throw new ConfigError(`unknown scorer "${scorer}"; known: ${scorers.join(', ')}`);
}

function describe({ experiment, task, profile }: EvaluationConfig, subject: Subject, problems: ReadProblems) {
  const of = {
    run: () => `${(subject as Extract<Subject, { kind: 'run' }>).folder}`,
    adapter: () => `the adapter in ${(subject as Extract<Subject, { kind: 'adapter' }>).folder}`,
    base: () => 'the base model, untrained',
  }[subject.kind]();
  return `${experiment}/${task}, profile ${profile}: ${problems.examples.length.toLocaleString('en')} problems (${problems.source}) to ${of}`;
}

/** @returns undefined when stopped */
async function answer(
  given: TrainableModel,
  tokenizer: Tokenizer,
  definition: EvaluationDefinition,
  { examples }: ReadProblems,
  { evaluation }: EvaluationConfig,
  options: RunOptions,
  hooks: RunHooks,
): Promise<
  { rows: GenerationRow[]; generation: NonNullable<RunRecord['trainInfo']['generation']> } | undefined
> {
  const { strategy, maxNewTokens, buckets, merge } = evaluation;
  const { executor, threads } = options;
  const model = merge && given instanceof PeftModel ? await freeze(await given.mergeAndUnload()) : given;
  const longest = buckets.at(-1)!;
  const encoded = examples.map(({ prompt }) => encodePrompt(tokenizer, prompt));
  const fitting = [...encoded.keys()].filter((i) => encoded[i]!.length <= longest);
  const batchSize = Math.max(1, Math.min(evaluation.batchSize, fitting.length));
  const generator = new Generator(model, {
    strategy,
    maxNewTokens,
    batchSize,
    promptBuckets: buckets,
    eosIds: eosIdsOf(given.base.config, tokenizer),
    padId: tokenizer.padId,
    executor,
    ...(threads === undefined ? {} : { threads }),
  });
  const started = performance.now();
  try {
    const generations = await generator.generate(
      fitting.map((i) => encoded[i]!),
      {
        onBatch: (done, total, tokensPerSecond) =>
          hooks.step({ step: done, totalSteps: total, loss: Number.NaN, tokensPerSecond }),
        shouldStop: () => hooks.shouldStop(),
      },
    );
    const places = new Map(fitting.map((index, at) => [index, generations[at]]));
    if (fitting.some((index) => places.get(index) === undefined)) return undefined;
    const rows = examples.map((problem, index): GenerationRow => {
      const { prompt, reference } = problem;
      const { text, tokens, end } = textOf(places.get(index), tokenizer, definition.stops);
      const verdicts = verdictsOf(definition, { prompt, reference, text, end });
      return { index, promptHash: promptHash(prompt), prompt, reference, text, tokens, end, verdicts };
    });
    const tooLong = examples.length - fitting.length;
    if (tooLong > 0)
      hooks.note(`${tooLong} prompts have more than ${longest} tokens: not answered, counted as wrong`);
    const { tokensPerSecond } = generator;
    return {
      rows,
      generation: {
        prompts: rows.length,
        tokens: generator.tokens,
        unfinished: rows.filter(({ end }) => end === 'length').length,
        ...(tooLong > 0 ? { tooLong } : {}),
        seconds: (performance.now() - started) / 1000,
        ...(Number.isFinite(tokensPerSecond) ? { tokensPerSecond } : {}),
        batchSize,
      },
    };
  } finally {
    await generator.dispose();
  }
}

function textOf(
  generation: Generation | undefined,
  tokenizer: Tokenizer,
  stops: readonly string[],
): Pick<GenerationRow, 'text' | 'tokens' | 'end'> {
  if (generation === undefined) return { text: '', tokens: 0, end: 'prompt' };
  const { ids, finished } = generation;
  const text = tokenizer.decode(ids);
  const isStopped = cutAtStop(text, stops).length < text.length;
  return { text, tokens: ids.length, end: isStopped ? 'stop' : finished ? 'end' : 'length' };
}
