/** Records for tests: plausible, valid, and each a little different. */
import { configHash, identityOf } from '../src/identity.ts';
import type { RunRecord } from '../src/schema.ts';

export interface SampleOptions {
  readonly method?: string;
  readonly variant?: string;
  readonly profile?: string;
  readonly task?: string;
  readonly seed?: number;
  readonly status?: 'completed' | 'failed' | 'cancelled';
  readonly score?: number;
  readonly rank?: number;
  readonly dataset?: string;
  readonly trainable?: number;
  readonly epochs?: number;
  readonly reference?: number;
}

export function sampleRecord(options: SampleOptions = {}): RunRecord {
  const {
    method = 'psoft',
    variant,
    profile = 'tiny',
    task = 'cola',
    seed = 1,
    status = 'completed',
  } = options;
  const {
    score = 0.5,
    rank = 32,
    dataset = 'acceptability',
    trainable = 5120,
    epochs = 6,
    reference,
  } = options;
  const rows = Array.from({ length: epochs }, (_, index) => ({
    epoch: index + 1,
    step: 100 * (index + 1),
    trainLoss: 0.2 + (1.2 - score) * 0.5 ** (index / 2) * (1 + 0.02 * seed),
    selection: { matthews: score * (1 - 0.6 ** (index + 1)) + 0.004 * seed, accuracy: 0.8 },
    learningRate: 4e-3 * (1 - (index + 1) / epochs),
    trainSeconds: 9.5,
    evalSeconds: 0.8,
    tokensPerSecond: 21_000,
  }));
  const last = rows.at(-1)!;
  const record: RunRecord = {
    schemaVersion: 1,
    runInfo: {
      experiment: 'nlu',
      task,
      profile,
      method,
      ...(variant === undefined ? {} : { variant }),
      seed,
      seeds: { init: seed + 10, order: seed + 20, dropout: seed + 30, split: seed + 40 },
      protocol: 1,
      protocolVariant: 'paper',
      configHash: '0'.repeat(64),
      createdAt: '2026-11-23T12:00:00.000Z',
      totalSeconds: 61.5,
      status,
      ...(status === 'failed' ? { error: 'loss is NaN at step 12: lower the learning rate' } : {}),
      trainConfig: { epochs, batchSize: 32, learningRate: 4e-3, buckets: [16, 32, 64] },
      adapterConfig: method === 'head' ? {} : { r: rank, psoftAlpha: rank, targetModules: 'all-linear' },
    },
    trainInfo: {
      parameters: {
        trainable: trainable + 16_770,
        trainableWithoutHead: trainable,
        total: 3_000_000 + trainable + 16_770,
        totalWithoutHead: 3_000_000 + trainable,
      },
      selectionMetric: 'matthews',
      metrics: rows,
      best: { epoch: last.epoch, value: last.selection.matthews },
      ...(status === 'completed' ? { test: { matthews: score, accuracy: 0.79 } } : {}),
      ...(method === 'head' ? {} : { initialisationSeconds: 0.25 }),
      stepMilliseconds: 95,
      tokensPerSecond: 21_000,
      peakMemoryBytes: 700_000_000,
    },
    metaInfo: {
      modelInfo: { name: 'deberta-tiny', fingerprint: 'a1'.repeat(32) },
      datasetInfo: {
        name: dataset,
        splitSeed: seed + 40,
        splits: [
          { name: 'train', count: 3200, fingerprint: 'b2'.repeat(32) },
          { name: 'selection', count: 500, fingerprint: 'c3'.repeat(32) },
          { name: 'test', count: 501, fingerprint: 'd4'.repeat(32) },
        ],
      },
      codeInfo: { commit: 'e'.repeat(40), isDirty: false },
      packageInfo: { vega: '6.2.0' },
      systemInfo: {
        os: 'linux',
        osRelease: '6.1',
        architecture: 'x64',
        cpuModel: 'some cpu',
        cores: 2,
        memoryBytes: 8e9,
        node: '20.20.2',
        executor: 'onnx',
        executionProvider: 'cpu',
        threads: 2,
      },
    },
    ...(reference === undefined
      ? {}
      : { referenceScore: { metric: 'matthews', value: reference, source: 'PSOFT Table 2' } }),
  };
  return sealed(record);
}

/** The record with the hash of its contents. */
export function sealed(record: RunRecord): RunRecord {
  return { ...record, runInfo: { ...record.runInfo, configHash: configHash(identityOf(record)) } };
}

export const SAMPLES: readonly RunRecord[] = [
  ...[1, 2, 3].map((seed) => sampleRecord({ seed, score: 0.78 + 0.012 * seed, reference: 0.823 })),
  ...[1, 2, 3].map((seed) =>
    sampleRecord({ seed, method: 'lora', rank: 8, trainable: 81_920, score: 0.74 + 0.01 * seed }),
  ),
  ...[1, 2, 3].map((seed) => sampleRecord({ seed, method: 'head', trainable: 0, score: 0.35 + 0.02 * seed })),
];

/** The training of a language model, which reports nothing itself. */
export function trainingRecord(seed = 1): RunRecord {
  const { trainInfo, runInfo, ...rest } = sampleRecord({ seed, task: 'train' });
  const { best: _, test: __, ...info } = trainInfo;
  const metrics = trainInfo.metrics.map((row) => ({ ...row, selection: {} }));
  return sealed({ ...rest, runInfo, trainInfo: { ...info, selectionMetric: 'loss', metrics } });
}

/** An evaluation of what {@link trainingRecord} trained. */
export function evaluationRecord(seed = 1, score = 40): RunRecord {
  const { runInfo, trainInfo, ...rest } = trainingRecord(seed);
  const { parameters } = trainInfo;
  return sealed({
    ...rest,
    runInfo: {
      ...runInfo,
      task: 'gsm8k',
      evaluates: { task: 'train', configHash: runInfo.configHash },
      evaluationConfig: { scorer: 'paper', maxNewTokens: 512, strategy: { kind: 'greedy' } },
    },
    trainInfo: {
      parameters,
      selectionMetric: 'accuracy',
      metrics: [],
      test: { accuracy: score, strictAccuracy: score - 1 },
      generation: {
        prompts: 100,
        tokens: 9000,
        unfinished: 3,
        seconds: 12,
        tokensPerSecond: 800,
        batchSize: 16,
      },
    },
  });
}
