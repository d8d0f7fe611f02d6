/** Turns what a run did into its record, and puts record, log and predictions where they belong. */
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type EagerExecutor, isDevice, type Model, tf32State, tfjsNodeVersions } from '@psoft/engine';
import { oneLine } from '@psoft/engine/errors';
import {
  collectEnvironment,
  configHash,
  type EpochMetrics,
  peakMemoryBytes,
  type RunIdentity,
  type RunRecord,
  SCHEMA_VERSION,
  writeAtomically,
  writeRecord,
} from '@psoft/results';
import type { EpochRow } from '../fit.ts';
import { countParameters, isHeadWeight } from '../trainable.ts';
import { acceleratorOf } from './accelerator.ts';
import type { TrainingSettings } from './config.ts';
import { plannedRunInfo, sourceInfo } from './identity.ts';
import type { PreparedRun } from './prepare.ts';
import type { RunOptions } from './protocol.ts';

/** Of the workspace, or where this package is installed its own folder. */
const ROOT = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../../../' : '../../', import.meta.url),
);

export interface RunFacts {
  readonly run: PreparedRun;
  readonly options: RunOptions;
  readonly identity: RunIdentity;
  /** Where this run's adapter, predictions and log lie. */
  readonly runFolder: string;
  /** Wall time so far, earlier parts of a continued run included. */
  seconds(): number;
  /** How often the run was broken off and continued. */
  readonly continued: number;
}

export interface RunEnd {
  readonly status: RunRecord['runInfo']['status'];
  readonly error?: string;
  readonly best?: { readonly epoch: number; readonly step: number; readonly metric: number };
  /** On the reported half. */
  readonly metrics?: Readonly<Record<string, number>>;
  readonly adapterFolder?: string;
}

export class RunRecorder {
  readonly #facts: RunFacts;
  readonly #rows: EpochRow[] = [];
  readonly #createdAt = new Date().toISOString();

  constructor(facts: RunFacts) {
    this.#facts = facts;
  }

  addEpoch(row: EpochRow): void {
    this.#rows.push(row);
  }

  /** One line of JSON an example: what it is, what the model said. Scoring can be done again from it. */
  async writePredictions(split: string, outputs: readonly Float32Array[]): Promise<void> {
    const { run, runFolder } = this.#facts;
    const labels = run.task.labels(split);
    const lines = outputs.map((logits, index) =>
      JSON.stringify({ index, label: labels[index], logits: Array.from(logits) }),
    );
    await mkdir(runFolder, { recursive: true });
    await writeFile(path.join(runFolder, `predictions-${split}.jsonl`), `${lines.join('\n')}\n`);
  }

  /**
   * A completed run's record goes to the results and replaces the one of the same run; any other is kept with the
   * run's files, so that it never stands in for a result.
   * @returns the file
   */
  async write(end: RunEnd): Promise<string> {
    const record = await this.#record(end);
    const { runFolder, options } = this.#facts;
    if (end.status === 'completed') {
      const written = await writeRecord(options.resultsFolder, record);
      // What an earlier attempt left is no longer true.
      for (const status of ['cancelled', 'failed'])
        await rm(path.join(runFolder, `${status}.json`), { force: true });
      return written;
    }
    const file = path.join(runFolder, `${end.status}.json`);
    await writeAtomically(file, `${JSON.stringify(record, undefined, 2)}\n`);
    return file;
  }

  async #record(end: RunEnd): Promise<RunRecord> {
    const { run, options, identity, continued } = this.#facts;
    const { config, task, model } = run;
    const { model: trained, initialisationSeconds } = run.method;
    const trainable = countParameters(trained);
    const adapter = countParameters(trained, 'adapter');
    const withoutHead = adapter + countParameters(trained, 'base');
    const all = sizeOf(model, () => true);
    const head = sizeOf(model, (name) => isHeadWeight(model, name));
    const seconds = this.#rows.reduce((sum, row) => sum + row.trainSeconds, 0);
    const tokens = this.#rows.reduce((sum, row) => sum + row.tokensPerSecond * row.trainSeconds, 0);
    const { metrics: names } = task.definition;
    const adapterBytes =
      end.adapterFolder && (await fileBytes(path.join(end.adapterFolder, 'adapter_model.safetensors')));
    return {
      schemaVersion: SCHEMA_VERSION,
      runInfo: {
        ...plannedRunInfo(config),
        configHash: configHash(identity),
        createdAt: this.#createdAt,
        totalSeconds: this.#facts.seconds(),
        ...(continued === 0 ? {} : { continued }),
        status: end.status,
        ...(end.error === undefined ? {} : { error: publicError(end.error) }),
      },
      trainInfo: {
        parameters: {
          trainable,
          trainableWithoutHead: withoutHead,
          total: all + adapter,
          totalWithoutHead: all - head + adapter,
        },
        selectionMetric: names[0],
        metrics: this.#rows.map((row): EpochMetrics => ({ ...row, selection: { ...row.selection } })),
        ...(end.best === undefined
          ? {}
          : { best: { epoch: end.best.epoch, step: end.best.step, value: end.best.metric } }),
        ...(end.metrics === undefined ? {} : { test: { ...end.metrics } }),
        ...(initialisationSeconds === undefined ? {} : { initialisationSeconds }),
        ...(this.#rows.length === 0
          ? {}
          : {
              stepMilliseconds: this.#rows.at(-1)!.medianStepMilliseconds,
              tokensPerSecond: tokens / seconds,
            }),
        peakMemoryBytes: peakMemoryBytes(),
        ...(adapterBytes ? { adapterFileBytes: adapterBytes } : {}),
      },
      metaInfo: {
        ...sourceInfo(config, run.sources),
        ...(await environmentOf(options, config.training)),
      },
      ...(config.reference === undefined
        ? {}
        : { referenceScore: { metric: names[0], ...config.reference } }),
    };
  }
}

const EAGER_PROVIDERS: Record<EagerExecutor, string> = {
  'eager-cpu': 'cpu',
  'eager-wasm': 'wasm',
  'eager-node': 'tensorflow',
  'eager-node-gpu': 'tensorflow-gpu',
};

/** The machine, and what ran on it: call it when that has been loaded. */
export async function environmentOf(
  { executor, threads }: Pick<RunOptions, 'executor' | 'threads'>,
  { recompute }: Pick<TrainingSettings, 'recompute'> = {},
) {
  const accelerator = await acceleratorOf(executor);
  // Whether products on the card were rounded to TF32.
  const tf32 = executor === 'cuda' ? tf32State() : undefined;
  const environment = await collectEnvironment(ROOT, {
    executor: isDevice(executor) ? 'onnx' : 'eager',
    executionProvider: isDevice(executor) ? executor : EAGER_PROVIDERS[executor],
    ...(threads === undefined ? {} : { threads }),
    ...(accelerator === undefined ? {} : { accelerator }),
    ...(tf32 === undefined ? {} : { tf32 }),
    ...(recompute ? { recompute } : {}),
  });
  return { ...environment, packageInfo: { ...environment.packageInfo, ...tfjsNodeVersions() } };
}

/** An error for a record, which people publish: one line, without the name of a user's folder. */
export function publicError(message: string, home = homedir()): string {
  // A home of "/" is none.
  const line = home.length > 1 ? message.replaceAll(home, '~') : message;
  return oneLine(line) || 'an error without a message';
}

/** Numbers in the weights of a model whose names are chosen. */
function sizeOf(model: Model, chosen: (name: string) => boolean): number {
  let size = 0;
  for (const [name, { shape }] of model.weights) if (chosen(name)) size += shape.reduce((a, b) => a * b, 1);
  return size;
}

async function fileBytes(file: string): Promise<number> {
  return (await stat(file)).size;
}
