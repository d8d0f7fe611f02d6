import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { evaluationRecord, SAMPLES, sampleRecord, trainingRecord } from '../test/records.ts';
import { checkRecord, RecordError, recordJsonSchema } from './schema.ts';

/** A copy with the value at a path replaced, or removed for `undefined`. */
function withValue(path: string, value: unknown, record: unknown = sampleRecord()): unknown {
  const copy = structuredClone(record) as Record<string, unknown>;
  const keys = path.split('.');
  const last = keys.pop()!;
  const parent = keys.reduce((node, key) => node[key] as Record<string, unknown>, copy);
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return copy;
}

const publishedFile = new URL('../schema/run-record.v1.json', import.meta.url);
const published = JSON.parse(readFileSync(publishedFile, 'utf8')) as Record<string, unknown>;
const validate = new Ajv2020({ strict: true, allErrors: false }).compile(published);

/** [path, value, the start of the message]: what both the check and the JSON Schema refuse. */
const WRONG: readonly [string, unknown, string][] = [
  ['runInfo.seed', -1, 'runInfo.seed: expected a whole number of at least 0, got -1'],
  ['runInfo.seed', '1', 'runInfo.seed: expected a whole number of at least 0, got "1"'],
  ['runInfo.seed', undefined, 'runInfo.seed: missing'],
  ['runInfo.task', 'CoLA', 'runInfo.task: expected a name of a-z'],
  ['runInfo.task', '../cola', 'runInfo.task: expected a name of a-z'],
  ['runInfo.status', 'ok', 'runInfo.status: expected one of completed, failed, cancelled, got "ok"'],
  ['runInfo.createdAt', '23.11.2026', 'runInfo.createdAt: expected a UTC time'],
  ['runInfo.configHash', 'abc', 'runInfo.configHash: expected a SHA-256'],
  ['runInfo.trainConfig', [], 'runInfo.trainConfig: expected an object, got []'],
  ['runInfo.toString', 'x', 'runInfo.toString: unknown key; known: experiment'],
  [
    'trainInfo.metrics.2.trainLoss',
    null,
    'trainInfo.metrics[2].trainLoss: expected a finite number, got null',
  ],
  ['trainInfo.metrics.0.lossValue', 1, 'trainInfo.metrics[0].lossValue: unknown key'],
  ['trainInfo.metrics', {}, 'trainInfo.metrics: expected a list, got {}'],
  ['trainInfo.test.matthews', '0.5', 'trainInfo.test.matthews: expected a finite number, got "0.5"'],
  ['trainInfo.initialisationSeconds', -1, 'trainInfo.initialisationSeconds: expected a number of at least 0'],
  ['metaInfo.datasetInfo.splits', [], 'metaInfo.datasetInfo.splits: expected at least 1 entries, got 0'],
  [
    'metaInfo.datasetInfo.splits.1.count',
    0,
    'metaInfo.datasetInfo.splits[1].count: expected a whole number of at least 1',
  ],
  ['metaInfo.codeInfo', { commit: 'e'.repeat(40) }, 'metaInfo.codeInfo.isDirty: missing'],
  ['metaInfo.systemInfo.node', '', 'metaInfo.systemInfo.node: expected a non-empty text, got ""'],
  ['referenceScore', { metric: 'matthews', value: 70 }, 'referenceScore.source: missing'],
  ['trainInfo', undefined, 'trainInfo: missing'],
  ['schemaVersion', '1', 'schemaVersion: expected 1, got "1"'],
];

describe('checkRecord', () => {
  it('takes complete records, and those without what was not measured', () => {
    for (const record of [...SAMPLES, trainingRecord(), evaluationRecord()])
      expect(checkRecord(record)).toBe(record);
    for (const path of ['trainInfo.peakMemoryBytes', 'metaInfo.codeInfo', 'trainInfo.metrics.0.trainLoss'])
      expect(() => checkRecord(withValue(path, undefined)), path).not.toThrow();
    for (const status of ['failed', 'cancelled'] as const)
      expect(() => checkRecord(sampleRecord({ status }))).not.toThrow();
  });

  it.each(WRONG)('names the path of what is wrong: %s = %j', (path, value, message) => {
    let text = '';
    try {
      checkRecord(withValue(path, value));
    } catch (error) {
      expect(error).toBeInstanceOf(RecordError);
      text = (error as Error).message;
    }
    expect(text.startsWith(message), text).toBe(true);
    expect(text).not.toContain('\n');
  });

  it('refuses numbers that JSON has not, also deep inside settings', () => {
    expect(() => checkRecord(withValue('trainInfo.best.value', Number.NaN))).toThrow(
      'trainInfo.best.value: expected a finite number, got NaN',
    );
    expect(() => checkRecord(withValue('runInfo.adapterConfig', { r: 8, layers: [0, Infinity] }))).toThrow(
      'runInfo.adapterConfig.layers[1]: expected a JSON value, got Infinity',
    );
  });

  it.each([undefined, null, [], 'text', 3])('refuses %j', (value) => {
    expect(() => checkRecord(value)).toThrow('record: expected an object');
  });

  it('names an unknown version before anything else', () => {
    expect(() => checkRecord({ schemaVersion: 2, other: true })).toThrow(
      'schemaVersion: 2 is not known; this code reads 1',
    );
  });

  it.each([
    [
      'runInfo.error',
      'boom',
      'runInfo.error: must be there exactly when status is "failed", which is "completed"',
    ],
    ['runInfo.status', 'failed', 'runInfo.error: must be there exactly when status is "failed"'],
    ['trainInfo.test', undefined, 'trainInfo.test: missing, but the run completed'],
    ['trainInfo.best', undefined, 'trainInfo.best: missing, but the run completed'],
    ['trainInfo.test', { accuracy: 1 }, 'trainInfo.test: has no "matthews"'],
    ['trainInfo.best.epoch', 9, 'trainInfo.best.epoch: no metrics row has epoch 9'],
    ['trainInfo.best.value', 0.25, 'trainInfo.best.value: 0.25 differs from'],
    ['trainInfo.metrics.3.epoch', 3, 'trainInfo.metrics[3].epoch: must be above the row before'],
    ['trainInfo.parameters.total', 1, 'trainInfo.parameters.trainable: 21890 is above total 1'],
    [
      'trainInfo.parameters.trainableWithoutHead',
      30_000,
      'trainInfo.parameters.trainableWithoutHead: 30000 is above',
    ],
    [
      'metaInfo.datasetInfo.splitSeed',
      7,
      'metaInfo.datasetInfo.splitSeed: 7 differs from runInfo.seeds.split 41',
    ],
  ])('refuses contradictions: %s = %j', (path, value, message) => {
    expect(() => checkRecord(withValue(path, value))).toThrow(message);
  });
});

describe('a training whose result others evaluate', () => {
  it('reports nothing, and its evaluation says whose result it is', () => {
    expect(() => checkRecord(trainingRecord())).not.toThrow();
    expect(() => checkRecord(evaluationRecord())).not.toThrow();
  });

  it.each([
    [trainingRecord(), 'trainInfo.selectionMetric', 'accuracy', 'trainInfo.test: missing'],
    [
      trainingRecord(),
      'runInfo.evaluates',
      { task: 'train', configHash: 'a'.repeat(64) },
      'runInfo.evaluationConfig: missing, but runInfo.evaluates is there',
    ],
    [trainingRecord(), 'runInfo.evaluationConfig', {}, 'trainInfo.metrics: an evaluation has no epochs'],
    [evaluationRecord(), 'trainInfo.test', undefined, 'trainInfo.test: missing'],
    [evaluationRecord(), 'runInfo.evaluates.configHash', 'x', 'runInfo.evaluates.configHash: expected a SHA'],
    [evaluationRecord(), 'trainInfo.generation.unfinished', -1, 'trainInfo.generation.unfinished: expected'],
  ])('refuses contradictions %#: %s = %j', (record, path, value, message) => {
    expect(() => checkRecord(withValue(path, value, record))).toThrow(message);
  });
});

describe('schema/run-record.v1.json', () => {
  it('is what the code publishes (renew with `nx run results:schema`)', () => {
    expect(published).toEqual(recordJsonSchema());
  });

  it('takes and refuses what the check does, by an independent validator', () => {
    for (const record of [...SAMPLES, trainingRecord(), evaluationRecord()])
      expect(validate(record), JSON.stringify(validate.errors)).toBe(true);
    for (const [path, value] of WRONG)
      expect(validate(withValue(path, value)), `${path} = ${value}`).toBe(false);
  });
});
