/** Many runs, one after the other: what is recorded is not done again, what fails does not stop the rest. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { type RunRecord, readRecordFile } from '@psoft/results';
import type { RunConfig } from '@psoft/training/config';
import type { EvaluationConfig } from '@psoft/training/evaluation';
import type { EvaluationFinder, Subject } from '@psoft/training/evaluations';
import type { RecordFinder } from '@psoft/training/identity';
import { RunDeath, RunHeld, type RunRequest } from '@psoft/training/supervise';
import { type Candidate, isEvaluation } from '../cells.ts';
import { BASE } from '../resolveEvaluation.ts';
import { evaluateWithProgress } from './evaluate.ts';
import { runWithProgress, sourceEvents, type Watch } from './progress.ts';

export interface SeriesRun {
  /** For messages: "rte, psoft, seed 2". */
  readonly label: string;
  readonly config: Candidate;
}

/** A record, or why there is none; `isKnown` where the experiment said so beforehand. */
export type Outcome = { readonly record: RunRecord } | { readonly failure: string; readonly isKnown?: true };

/** How a series is watched. */
export interface SeriesWatch extends Watch {
  /** How often a run is begun whose computing process dies or hangs; 1 when left out. What ran out of memory is not. */
  readonly attempts?: number;
  /** A run that another process is at ends the series with RunHeld. Without it the series waits. */
  readonly yields?: boolean;
  /** Asked before anything is started. */
  shouldStop?(): boolean;
  onRun?(at: number): void;
  /** A computing process died or hung, and its run is begun again. */
  onDeath?(label: string, reason: string): void;
}

/** A signal came: the series ends, with what is recorded. */
class Stopped extends Error {}

/**
 * @returns an outcome a run in order; undefined when a signal stopped the series
 * @throws RunHeld where it is to yield
 */
export async function runSeries(
  runs: readonly SeriesRun[],
  options: RunRequest['options'],
  watch: SeriesWatch = {},
): Promise<Outcome[] | undefined> {
  const series = await Series.open({ ...options, waits: watch.yields !== true }, watch);
  const outcomes: Outcome[] = [];
  for (const [at, { label, config }] of runs.entries()) {
    if (watch.shouldStop?.()) return undefined;
    watch.onRun?.(at);
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
      if (error instanceof RunHeld && watch.yields) throw error;
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
    private readonly watch: SeriesWatch,
    private readonly records: RecordFinder,
    private readonly evaluations: EvaluationFinder,
    private readonly runFolderOf: (record: RunRecord, runsFolder: string) => string,
  ) {}

  static async open(options: RunRequest['options'], watch: SeriesWatch): Promise<Series> {
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
      watch,
      new RecordFinder(options.resultsFolder, hooks),
      new EvaluationFinder(options.resultsFolder, hooks),
      runFolderOf,
    );
  }

  async training(config: RunConfig, place: string): Promise<RunRecord> {
    const found = await this.records.find(config);
    if (found === undefined) return this.#train(config, place, 'record');
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
        'files',
      );
    process.stderr.write(`${place}\n`);
    const summary = await this.#persist(place, (first) => {
      const request = { ...options, ...(first ? {} : { restart: false }), unlessThere: 'record' as const };
      return evaluateWithProgress({ config, subject, options: request }, this.watch);
    });
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
      found === undefined
        ? await this.#train(training, `${place}, training`, 'files')
        : await readRecordFile(found);
    return { kind: 'run', folder: this.runFolderOf(record, this.options.runsFolder), record };
  }

  async #train(config: RunConfig, place: string, unlessThere: 'record' | 'files'): Promise<RunRecord> {
    const key = JSON.stringify(config);
    const before = this.#failed.get(key);
    if (before !== undefined) throw before;
    process.stderr.write(`${place}\n`);
    try {
      const summary = await this.#persist(place, (first) => {
        // A checkpoint of the attempt before is not to be thrown away.
        const options = { ...this.options, ...(first ? {} : { restart: false }), unlessThere };
        return runWithProgress({ config, options }, this.watch);
      });
      if (summary.status === 'cancelled') throw new Stopped();
      return await readRecordFile(summary.recordFile);
    } catch (error) {
      if (!(error instanceof Stopped || error instanceof RunHeld)) this.#failed.set(key, error as Error);
      throw error;
    }
  }

  /** Begins a job again whose computing process died or hung, as often as is allowed. */
  async #persist<T>(place: string, start: (isFirst: boolean) => Promise<T>): Promise<T> {
    const { attempts = 1, onDeath } = this.watch;
    for (let attempt = 1; ; attempt++) {
      if (this.watch.shouldStop?.()) throw new Stopped();
      try {
        return await start(attempt === 1);
      } catch (error) {
        const mayGoOn = error instanceof RunDeath && !error.isOutOfMemory && attempt < attempts;
        if (!mayGoOn) throw error;
        process.stderr.write(`${place}: ${error.message}; begun again (${attempt + 1} of ${attempts})\n`);
        onDeath?.(place, error.message);
      }
    }
  }
}
