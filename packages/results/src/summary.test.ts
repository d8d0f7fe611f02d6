import { describe, expect, it } from 'vitest';
import { evaluationRecord, SAMPLES, sampleRecord, sealed, trainingRecord } from '../test/records.ts';
import { formatCount, formatSpread, formatTable, spreadOf, summarise } from './summary.ts';

describe('spreadOf', () => {
  it('has n - 1 in the denominator', () => {
    // statistics.stdev([2, 4, 4, 4, 5, 5, 7, 9]) in Python
    expect(spreadOf([2, 4, 4, 4, 5, 5, 7, 9])).toEqual({
      n: 8,
      mean: 5,
      standardDeviation: 2.138089935299395,
    });
  });

  it('has no spread for one value, and no mean for none', () => {
    expect(spreadOf([0.5])).toEqual({ n: 1, mean: 0.5 });
    expect(() => spreadOf([])).toThrow('no values');
  });
});

describe('summarise', () => {
  it('keeps scorers apart, and a training without score has none', () => {
    const paper = evaluationRecord(1, 40);
    const strict = sealed({
      ...paper,
      runInfo: {
        ...paper.runInfo,
        evaluationConfig: { ...paper.runInfo.evaluationConfig, scorer: 'strict' },
      },
    });
    const rows = summarise([paper, strict, evaluationRecord(2, 42), trainingRecord()]);
    expect(rows.map(({ task, dataset, score }) => [task, dataset, score?.mean])).toEqual([
      ['gsm8k', 'acceptability, paper scorer', 41],
      ['gsm8k', 'acceptability, strict scorer', 40],
      ['train', 'acceptability', undefined],
    ]);
  });

  it('takes seeds together and all else apart', () => {
    const rows = summarise([
      ...SAMPLES,
      sampleRecord({ variant: 'strict' }),
      sampleRecord({ profile: 'paper', seed: 4 }),
      sampleRecord({ dataset: 'glue/cola' }),
    ]);
    expect(rows.map(({ profile, dataset, label, seeds }) => [profile, dataset, label, seeds])).toEqual([
      ['paper', 'acceptability', 'psoft', [4]],
      ['tiny', 'acceptability', 'head', [1, 2, 3]],
      ['tiny', 'acceptability', 'lora', [1, 2, 3]],
      ['tiny', 'acceptability', 'psoft', [1, 2, 3]],
      ['tiny', 'acceptability', 'psoft-strict', [1]],
      ['tiny', 'glue/cola', 'psoft', [1]],
    ]);
    const psoft = rows[3]!;
    expect(psoft.score!.mean).toBeCloseTo(0.804, 12);
    expect(psoft.score!.standardDeviation).toBeCloseTo(0.012, 12);
    expect(psoft.parameters.trainableWithoutHead).toBe(5120);
  });

  it('never averages over different settings: names what differs', () => {
    const rows = summarise([
      sampleRecord(),
      sampleRecord({ seed: 2 }),
      sampleRecord({ rank: 16 }),
      sampleRecord({ rank: 16, epochs: 8 }),
    ]);
    expect(rows.map(({ label, seeds }) => [label, seeds])).toEqual([
      ['psoft (epochs=6, psoftAlpha=16, r=16)', [1]],
      ['psoft (epochs=6, psoftAlpha=32, r=32)', [1, 2]],
      ['psoft (epochs=8, psoftAlpha=16, r=16)', [1]],
    ]);
  });

  it('counts runs that did not complete, without their scores', () => {
    const rows = summarise([
      sampleRecord({ seed: 1, score: 0.5 }),
      sampleRecord({ seed: 2, score: 0.9, status: 'cancelled' }),
      sampleRecord({ seed: 3, status: 'failed' }),
      sampleRecord({ method: 'lora', status: 'failed' }),
    ]);
    expect(rows[0]).toMatchObject({ method: 'lora', seeds: [], failed: 1, cancelled: 0 });
    expect(rows[0]!.score).toBeUndefined();
    expect(rows[1]).toMatchObject({ score: { n: 1, mean: 0.5 }, seeds: [1], failed: 1, cancelled: 1 });
  });
});

describe('formatTable', () => {
  it('aligns columns for a terminal', () => {
    expect(formatTable(summarise(SAMPLES))).toMatchInlineSnapshot(`
      "nlu/cola, profile tiny: matthews on acceptability, deberta-tiny (a1a1a1a1), protocol 1
      method  adapter params  all trained        mean ± sd    n  seeds              reference
      ------  --------------  -----------  ---------------  ---  -----  ---------------------
      head                 0       16,770  0.3900 ± 0.0200    3  1 2 3
      lora            81,920       98,690  0.7600 ± 0.0100    3  1 2 3
      psoft            5,120       21,890  0.8040 ± 0.0120    3  1 2 3  0.823 (PSOFT Table 2)
      "
    `);
  });

  it('writes Markdown, with columns that only some runs need', () => {
    const records = [
      sampleRecord({ seed: 1 }),
      sampleRecord({ seed: 2, status: 'cancelled' }),
      sampleRecord({ method: 'lora', status: 'failed' }),
      sampleRecord({ profile: 'paper' }),
    ];
    expect(formatTable(summarise(records), 'markdown')).toMatchInlineSnapshot(`
      "**nlu/cola, profile paper: matthews on acceptability, deberta-tiny (a1a1a1a1), protocol 1**

      | method | adapter params | all trained | mean ± sd |   n | seeds |
      | ------ | -------------: | ----------: | --------: | --: | ----- |
      | psoft  |          5,120 |      21,890 |    0.5000 |   1 | 1     |

      **nlu/cola, profile tiny: matthews on acceptability, deberta-tiny (a1a1a1a1), protocol 1**

      | method | adapter params | all trained | mean ± sd |   n | seeds | not completed |
      | ------ | -------------: | ----------: | --------: | --: | ----- | ------------- |
      | lora   |          5,120 |      21,890 |         - |   0 |       | 1 failed      |
      | psoft  |          5,120 |      21,890 |    0.5000 |   1 | 1     | 1 cancelled   |
      "
    `);
  });

  it('has nothing to say of no runs', () => {
    expect(formatTable([])).toBe('');
  });
});

it('formats figures the same in every locale', () => {
  expect([0, 999, 1000, 81_144, 12_345_678].map(formatCount)).toEqual([
    '0',
    '999',
    '1,000',
    '81,144',
    '12,345,678',
  ]);
  expect(formatSpread({ n: 2, mean: 70.126, standardDeviation: 0.5 }, 2)).toBe('70.13 ± 0.50');
});
