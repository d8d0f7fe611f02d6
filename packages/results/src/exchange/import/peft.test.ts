/** On results of the documented form, all values invented. */
import { describe, expect, it } from 'vitest';
import { type PeftOptions, peftResult } from '../../../test/foreign.ts';
import { readResults } from './index.ts';

const read = (options: PeftOptions = {}, text = JSON.stringify(peftResult(options))) =>
  readResults({
    path: 'results/psoft--llama-3.2-3B-default.json',
    bytes: Buffer.from(text),
    importedAt: '2026-12-01T00:00:00.000Z',
  });

describe("results of PEFT's method_comparison", () => {
  it('keep their settings, metrics, curves and origins', () => {
    const [record, ...more] = read();
    expect(more).toEqual([]);
    expect(record!.importedFrom).toEqual({
      format: 'peft',
      file: 'psoft--llama-3.2-3B-default.json',
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      importedAt: '2026-12-01T00:00:00.000Z',
      leftOut: ['meta_info.pytorch_info: how torch was built'],
    });
    expect(record!.runInfo).toEqual({
      name: 'psoft/llama-3.2-3B-default',
      profile: 'imported',
      method: 'psoft',
      variant: 'llama-3.2-3B-default',
      seed: 7,
      createdAt: '2026-03-04T05:06:07.000Z',
      totalSeconds: 900.5,
      status: 'completed',
      trainConfig: expect.objectContaining({ model_id: 'some/model', optimizer_kwargs: { lr: 2e-4 } }),
      adapterConfig: expect.objectContaining({ peft_type: 'PSOFT', r: 12, revision: null }),
    });
    expect(record!.trainInfo).toEqual({
      parameters: { trainable: 1234, total: 567890 },
      test: {
        'test accuracy': 0.51,
        'train loss': 0.6,
        'train samples': 80,
        'train total tokens': 999,
        forgetting: 0.03,
      },
      series: [
        { name: 'valid accuracy', axis: 'step', steps: [10, 20], values: [0.3, 0.4] },
        { name: 'train loss', axis: 'step', steps: [10, 20], values: [0.9, 0.7] },
        { name: 'tokens / sec', axis: 'step', steps: [10, 20], values: [100, 110] },
      ],
      trainSeconds: 800.25,
      peakDeviceMemoryBytes: 22_000,
      adapterFileBytes: 4321,
    });
    expect(record!.metaInfo).toMatchObject({
      model_info: { sha: 'abc', created_at: '2024-01-01T00:00:00+00:00' },
      package_info: { 'peft-version': '9.9.9', 'peft-commit-hash': null },
      run_info: { peft_branch: 'main' },
      train_info: { accelerator_memory_reserved_avg: 20_000, accelerator_memory_reserved_99th: 21_000 },
    });
  });

  it('of full fine-tuning have no adapter', () => {
    const [record] = read({ experiment: 'full-finetuning/llama-lr', peftConfig: null });
    expect(record!.runInfo.method).toBe('full-finetuning');
    expect(record!.runInfo.adapterConfig).toBeUndefined();
  });

  it('of runs that failed or were stopped say so, and have the curves that there are', () => {
    const [failed] = read({ status: 'failed', error: 'CUDA out of memory', isTested: false });
    expect(failed!.runInfo).toMatchObject({ status: 'failed', error: 'CUDA out of memory' });
    expect(failed!.trainInfo.test).toBeUndefined();
    expect(failed!.trainInfo.series![0]!.steps).toEqual([10, 20]);
    expect(read({ status: 'canceled' })[0]!.runInfo.status).toBe('cancelled');
  });

  it("with Python's NaN lose those values only, aloud; texts stay as they are", () => {
    const text = JSON.stringify(peftResult({ error: 'loss: NaN, stopped', status: 'failed' }))
      .replace('"train loss":0.9', '"train loss":NaN')
      .replace('"valid accuracy":0.4', '"valid accuracy":-Infinity');
    const [record] = read({}, text);
    expect(record!.runInfo.error).toBe('loss: NaN, stopped');
    const steps = Object.fromEntries(record!.trainInfo.series!.map((one) => [one.name, one.steps]));
    expect(steps).toEqual({ 'valid accuracy': [10], 'train loss': [20], 'tokens / sec': [10, 20] });
    expect(record!.importedFrom.leftOut).toContain('train_info.metrics: 2 values that are no finite numbers');
  });

  it('that are none name what is missing', () => {
    const { meta_info: _, ...rest } = peftResult();
    expect(() => read({}, JSON.stringify(rest))).toThrow(
      'results/psoft--llama-3.2-3B-default.json: meta_info: missing',
    );
    const result = peftResult();
    const broken = { ...result, train_info: { ...result.train_info, metrics: { step: 1 } } };
    expect(() => read({}, JSON.stringify(broken))).toThrow('train_info.metrics: expected a list of rows');
    expect(() => read({}, '{"run_info": {')).toThrow('not valid JSON');
  });
});
