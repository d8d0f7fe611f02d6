/** Many runs, one after the other: what is recorded is not done again, what fails does not stop the rest. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { type RunRecord, readRecordFile } from '@psoft/results';
import type { RunConfig } from '@psoft/training/config';
import type { EvaluationConfig } from '@psoft/training/evaluation';
import type { EvaluationFinder, Subject } from '@psoft/training/evaluations';
import type { RecordFinder } from '@psoft/training/identity';
import type { RunRequest } from '@psoft/training/supervise';
import { type Candidate, isEvaluation } from '../cells.ts';
import { BASE } from '../resolveEvaluation.ts';
import { evaluateWithProgress } from './evaluate.ts';
import { runWithProgress, sourceEvents } from './progress.ts';

export interface SeriesRun {
  /** For messages: "rte, psoft, seed 2". */
  readonly label: string;
  readonly config: Candidate;
}

/** A record, or why there is none; `isKnown` where the experiment said so beforehand. */
export type Outcome = { readonly record: RunRecord } | { readonly failure: string; readonly isKnown?: true };

/** A signal came: the series ends, with what is recorded. */
class Stopped extends Error {}

/** @returns an outcome a run in order; undefined when a signal stopped the series */
export async function runSeries(
  runs: readonly SeriesRun[],
  options: RunRequest['options'],
): Promise<Outcome[] | undefined> {
  const series = await Series.open(options);
  const outcomes: Outcome[] = [];
  for (const [at, { label, config }] of runs.entries()) {
    const place = `[${at + 1}/${runs.length}] ${label}`;
    if ('unavailable' in config) {
      process.stderr.write(`${place}: ${config.unavailable}\n`);
      outcomes.push({ failure: config.unavailable, isKnown: true });
      continue;
    }
    try {
      const record = isEvaluation(config)
        ? await series.evaluation(config, place)
        : await series.training(config, place);
      outcomes.push({ record });
    } catch (error) {
      if (error instanceof Stopped) return undefined;
      process.stderr.write(`${label}: ${(error as Error).message}\n`);
      outcomes.push({ failure: (error as Error).message });
    }
  }
  return outcomes;
}

class Series {
  /** Trainings that failed, so that each of their evaluations need not fail anew. */
  readonly #failed = new Map<string, Error>();

  private constructor(
    private readonly options: RunRequest['options'],
    private readonly records: RecordFinder,
    private readonly evaluations: EvaluationFinder,
    private readonly runFolderOf: (record: RunRecord, runsFolder: string) => string,
  ) {}

  static async open(options: RunRequest['options']): Promise<Series> {
    // Load the data package, which a command that only prints help need not.
    const { RecordFinder } = await import('@psoft/training/identity');
    const { EvaluationFinder, runFolderOf } = await import('@psoft/training/evaluations');
    const { onNote, onDownload } = sourceEvents();
    const hooks = {
      onNote: (line: string) => onNote?.(line),
      onProgress: (progress: { file: string; done: number; total: number }) =>
        onDownload?.({ type: 'download', ...progress }),
    };
    return new Series(
      options,
      new RecordFinder(options.resultsFolder, hooks),
      new EvaluationFinder(options.resultsFolder, hooks),
      runFolderOf,
    );
  }

  async training(config: RunConfig, place: string): Promise<RunRecord> {
    const found = await this.records.find(config);
    if (found === undefined) return this.#train(config, place);
    process.stderr.write(`${place}: recorded already\n`);
    return readRecordFile(found);
  }

  async evaluation(config: EvaluationConfig, place: string): Promise<RunRecord> {
    const { options } = this;
    const subject = await this.#subjectOf(config.training, place);
    const base =
      subject.kind === 'run' ? subject.record.metaInfo.modelInfo : await this.records.base(config.training);
    const found = await this.evaluations.find(config, subject, base);
    if (found !== undefined) {
      process.stderr.write(`${place}: recorded already\n`);
      return readRecordFile(found);
    }
    // A record may have come without what was trained: runs/ is no part of a repository.
    if (subject.kind === 'run' && !existsSync(path.join(subject.folder, 'run.json')))
      await this.#train(
        config.training,
        `${place}, training again: its adapter is not below ${options.runsFolder}`,
      );
    process.stderr.write(`${place}\n`);
    const summary = await evaluateWithProgress({ config, subject, options });
    if (summary.status === 'cancelled') throw new Stopped();
    return readRecordFile(summary.recordFile!);
  }

  async #subjectOf(
    training: RunConfig,
    place: string,
  ): Promise<Extract<Subject, { kind: 'run' } | { kind: 'base' }>> {
    if (training.method === BASE) return { kind: 'base' };
    const found = await this.records.find(training);
    const record =
      found === undefined ? await this.#train(training, `${place}, training`) : await readRecordFile(found);
    return { kind: 'run', folder: this.runFolderOf(record, this.options.runsFolder), record };
  }

  async #train(config: RunConfig, place: string): Promise<RunRecord> {
    const key = JSON.stringify(config);
    const before = this.#failed.get(key);
    if (before !== undefined) throw before;
    process.stderr.write(`${place}\n`);
    try {
      const summary = await runWithProgress({ config, options: this.options });
      if (summary.status === 'cancelled') throw new Stopped();
      return await readRecordFile(summary.recordFile);
    } catch (error) {
      if (!(error instanceof Stopped)) this.#failed.set(key, error as Error);
      throw error;
    }
  }
}
