/** Turns what a run did into its record, and puts record, log and predictions where they belong. */
import { mkdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Model } from '@psoft/engine';
import {
  collectEnvironment,
  configHash,
  type EpochMetrics,
  identityFrom,
  peakMemoryBytes,
  type RunRecord,
  recordPath,
  runName,
  SCHEMA_VERSION,
  taskFolder,
  writeAtomically,
  writeRecord,
} from '@psoft/results';
import type { EpochRow } from '../fit.ts';
import { countParameters, isHeadWeight } from '../trainable.ts';
import type { RunConfig } from './config.ts';
import type { PreparedMethod } from './method.ts';
import type { RunOptions } from './protocol.ts';
import type { PreparedTask, Seeds } from './task.ts';

/** Raised by hand when the same settings would give other results. */
export const PROTOCOL = 1;

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

export interface RunFacts {
  readonly config: RunConfig;
  readonly options: RunOptions;
  readonly seeds: Seeds;
  readonly task: PreparedTask;
  readonly method: PreparedMethod;
  readonly model: Model;
  /** SHA-256 of the base weights, without a new head. */
  readonly baseFingerprint: string;
  /** `performance.now()` at the start. */
  readonly started: number;
}

export interface RunEnd {
  readonly status: RunRecord['runInfo']['status'];
  readonly error?: string;
  readonly best?: { readonly epoch: number; readonly metric: number };
  /** On the reported half. */
  readonly metrics?: Readonly<Record<string, number>>;
  readonly adapterFolder?: string;
}

/** The tiny profile on real data is another result than on its own. */
function variantOf({ variant, dataFolder, profile }: RunConfig): { variant?: string } {
  const parts = [variant, dataFolder !== undefined && profile === 'tiny' ? 'real-data' : undefined];
  const name = parts.filter((part) => part !== undefined).join('-');
  return name === '' ? {} : { variant: name };
}

export class RunRecorder {
  readonly #facts: RunFacts;
  readonly #rows: EpochRow[] = [];
  readonly #createdAt = new Date().toISOString();
  /** Where this run's adapter, predictions and log lie. */
  readonly runFolder: string;
  /** Where the record of this run lies, or will, if it is completed. */
  readonly resultFile: string;

  constructor(facts: RunFacts) {
    this.#facts = facts;
    const identity = identityFrom(this.#runInfo(), this.#data());
    this.runFolder = path.join(facts.options.runsFolder, taskFolder(facts.config), runName(identity));
    this.resultFile = path.join(facts.options.resultsFolder, recordPath(identity));
  }

  addEpoch(row: EpochRow): void {
    this.#rows.push(row);
  }

  /** One line of JSON an example: what it is, what the model said. Scoring can be done again from it. */
  async writePredictions(split: string, outputs: readonly Float32Array[]): Promise<void> {
    const labels = this.#facts.task.labels(split);
    const lines = outputs.map((logits, index) =>
      JSON.stringify({ index, label: labels[index], logits: Array.from(logits) }),
    );
    await mkdir(this.runFolder, { recursive: true });
    await writeFile(path.join(this.runFolder, `predictions-${split}.jsonl`), `${lines.join('\n')}\n`);
  }

  /**
   * A completed run's record goes to the results and replaces the one of the same run; any other is kept with the
   * run's files, so that it never stands in for a result.
   * @returns the file
   */
  async write(end: RunEnd): Promise<string> {
    const record = await this.#record(end);
    if (end.status === 'completed') return writeRecord(this.#facts.options.resultsFolder, record);
    const file = path.join(this.runFolder, `${end.status}.json`);
    await writeAtomically(file, `${JSON.stringify(record, undefined, 2)}\n`);
    return file;
  }

  #runInfo() {
    const { config, seeds, method } = this.#facts;
    const { experiment, task, profile, seed, training } = config;
    return {
      experiment,
      task,
      profile,
      method: config.method,
      ...variantOf(config),
      seed,
      seeds: { ...seeds },
      protocol: PROTOCOL,
      protocolVariant: 'paper' as const,
      trainConfig: { ...training, buckets: [...training.buckets] },
      adapterConfig: method.adapterConfig as RunRecord['runInfo']['adapterConfig'],
    };
  }

  #data() {
    const { config, task, seeds, baseFingerprint } = this.#facts;
    return {
      modelInfo: { name: config.model.name, fingerprint: baseFingerprint },
      datasetInfo: {
        name: config.dataFolder === undefined ? `generated ${config.task}` : config.task,
        splitSeed: seeds.split,
        splits: task.splits.map(({ name, count, fingerprint }) => ({ name, count, fingerprint })),
      },
    };
  }

  async #record(end: RunEnd): Promise<RunRecord> {
    const { config, options, task, method, model, started } = this.#facts;
    const runInfo = this.#runInfo();
    const data = this.#data();
    const { model: trained } = method;
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
        ...runInfo,
        configHash: configHash(identityFrom(runInfo, data)),
        createdAt: this.#createdAt,
        totalSeconds: (performance.now() - started) / 1000,
        status: end.status,
        ...(end.error === undefined ? {} : { error: end.error.split('\n')[0]! }),
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
        ...(end.best === undefined ? {} : { best: { epoch: end.best.epoch, value: end.best.metric } }),
        ...(end.metrics === undefined ? {} : { test: { ...end.metrics } }),
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
        ...data,
        ...(await collectEnvironment(ROOT, {
          executor: options.executor === 'cpu' ? 'onnx' : 'eager',
          executionProvider: options.executor === 'eager-wasm' ? 'wasm' : 'cpu',
          ...(options.threads === undefined ? {} : { threads: options.threads }),
        })),
      },
      ...(config.reference === undefined ? {} : { referenceScore: { metric: names[0], ...config.reference } }),
    };
  }
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
