/** One evaluation: prompts, generation, verdicts, and their record. Runs inside the computing process. */
import { configHash, peakMemoryBytes, SCHEMA_VERSION, writeRecord } from '@psoft/results';
import { assertWritable, isThere, lockRun } from '../claim.ts';
import { ConfigError } from '../config.ts';
import { type RunHooks, sourceHooks } from '../execute.ts';
import { runPlaces } from '../identity.ts';
import type { RunOptions } from '../protocol.ts';
import { environmentOf } from '../record.ts';
import { answerProblems, type Work } from './answer.ts';
import type { EvaluationConfig } from './config.ts';
import type { EvaluationDefinition } from './definition.ts';
import { metricsOf, writeGenerations } from './generations.ts';
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
  readonly generation?: Work['generation'];
  readonly likelihood?: Work['likelihood'];
  readonly recordFile?: string;
  readonly generationsFile?: string;
}

/**
 * Answers every problem, stores what was generated with every scorer's verdict, and records the scores. An evaluation
 * that is stopped leaves nothing.
 * @throws HeldError where another process is at the same one
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
  const places = runPlaces(identity, options);
  await assertWritable(options.resultsFolder);
  const lock = await lockRun(places.runFolder, options, hooks);
  if (lock === undefined) return { status: 'cancelled', metrics: {} };
  try {
    if (isThere(places, options)) return { status: 'completed', metrics: {}, recordFile: places.resultFile };
    hooks.note(describe(config, subject, problems));
    const done = await answerProblems(open, definition, problems, config, options, hooks);
    if (done === undefined) return { status: 'cancelled', metrics: {} };
    lock.assertHeld();
    const { rows, ...work } = done;
    const metrics = metricsOf(definition, rows, evaluation.scorer);
    const generationsFile = await writeGenerations(places.runFolder, config, rows);
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
        ...work,
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
    return { status: 'completed', metrics, ...work, recordFile, generationsFile };
  } finally {
    lock.release();
  }
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
