import { describe, expect, it } from 'vitest';
import { importedSample } from '../../test/imported.ts';
import { evaluationRecord, SAMPLES, sampleRecord, trainingRecord } from '../../test/records.ts';
import { importedJsonSchema } from '../imported/schema.ts';
import { type RunRecord, recordJsonSchema } from '../schema.ts';
import { filterEntries, parseCondition } from './condition.ts';
import { findField, valueAt } from './field.ts';
import { findEntry } from './find.ts';
import { importedEntry, runEntry } from './ledger.ts';
import { findFields, formatRows, RUN_COLUMNS, rowsOf, sortEntries } from './rows.ts';

const ledgerOf = (records: readonly RunRecord[]) => ({
  entries: records.map((record, i) => runEntry(record, `results/${i}.json`)),
  jsonSchema: recordJsonSchema(),
});
const all = ledgerOf([...SAMPLES, sampleRecord({ variant: 'strict', status: 'failed' }), evaluationRecord()]);

/** `method-seed` of what the conditions take. */
const taken = (...conditions: string[]) =>
  filterEntries(
    all.entries,
    conditions.map((text) => parseCondition(text, all)),
  ).map(({ record: { runInfo } }) => `${runInfo.method}${runInfo.variant ? '!' : ''}-${runInfo.seed}`);

describe('conditions', () => {
  it.each([
    [['method=lora'], ['lora-1', 'lora-2', 'lora-3']],
    [
      ['method=lora,head', 'seed=1,3'],
      ['lora-1', 'lora-3', 'head-1', 'head-3'],
    ],
    [
      ['runInfo.method=psoft', 'variant=', 'task=cola'],
      ['psoft-1', 'psoft-2', 'psoft-3'],
    ],
    [['variant!='], ['psoft!-1']],
    [
      ['variant!=strict', 'seed=1'],
      ['psoft-1', 'lora-1', 'head-1', 'psoft-1'],
    ],
    [['score>0.8'], ['psoft-2', 'psoft-3', 'psoft-1']],
    [
      ['trainInfo.test.matthews>=0.804', 'matthews<1'],
      ['psoft-2', 'psoft-3'],
    ],
    [['matthews<=0.37'], ['head-1']],
    [['r=8'], ['lora-1', 'lora-2', 'lora-3']],
    [
      ['buckets=[16, 32, 64]', 'seed=3'],
      ['psoft-3', 'lora-3', 'head-3'],
    ],
    [
      ['createdAt>=2026-11-23', 'createdAt<2026-11-24', 'seed=2'],
      ['psoft-2', 'lora-2', 'head-2'],
    ],
    [['createdAt>2026-12'], []],
    [['error~learning rate$'], ['psoft!-1']],
    [
      ['modelInfo.name~^deberta', 'method~^(lora|head)$', 'seed=2'],
      ['lora-2', 'head-2'],
    ],
    [
      ['codeInfo.isDirty=false', 'seed=2'],
      ['psoft-2', 'lora-2', 'head-2'],
    ],
    [
      ['metrics.-1.epoch=6', 'seed=2'],
      ['psoft-2', 'lora-2', 'head-2'],
    ],
    [['evaluationConfig.strategy={"kind":"greedy"}'], ['psoft-1']],
    [[' seed = 2 ', 'method = "head"'], ['head-2']],
  ])('%j', (conditions, expected) => {
    expect(taken(...conditions)).toEqual(expected);
  });

  it.each([
    ['method', 'is no condition: write FIELD=VALUE, with one of != >= <= = > < ~'],
    ['=3', 'is no condition'],
    ['score>many', '"score>many": the field holds numbers, and "many" is none'],
    ['score>', '"score>" has no value to compare with'],
    ['method~(', '"method~(": Invalid regular expression'],
    ['metod=psoft', 'no record has a field "metod"; did you mean runInfo.method'],
    ['trainInfo.test.matthew>1', 'did you mean trainInfo.test.matthews?'],
    ['seed.x=1', 'no record has a field "seed.x"'],
    ['wholly-unlike=1', 'no record has a field "wholly-unlike": see psoft runs show'],
  ])('%s: %s', (condition, message) => {
    expect(() => taken(condition)).toThrow(message);
  });
});

describe('fields', () => {
  it('mean one place for all records, whole paths before short ones', () => {
    expect(findField('seed', all).path).toBe('runInfo.seed');
    expect(findField('accuracy', all).path).toBe('trainInfo.test.accuracy');
    expect(findField('score', all).path).toBe('score');
    expect(findField('trainable', all).path).toBe('trainInfo.parameters.trainable');
    expect(findField('learningRate', all).path).toBe('runInfo.trainConfig.learningRate');
    // Of the schema, though no record has it.
    expect(findField('peakDeviceMemoryBytes', all).path).toBe('trainInfo.peakDeviceMemoryBytes');
    expect(findField('metrics.0.tokensPerSecond', all).path).toBe('trainInfo.metrics.0.tokensPerSecond');
  });

  it('may hold dots themselves', () => {
    const node = { packages: { 'vega.js': { version: 1 }, vega: { ts: 2 } } };
    expect(valueAt(node, 'packages.vega.js.version'.split('.'))).toBe(1);
    expect(valueAt(node, 'packages.vega.ts'.split('.'))).toBe(2);
    expect(valueAt(node, 'packages.toString'.split('.'))).toBeUndefined();
  });

  it('are asked of imported results in the same words', () => {
    const ledger = {
      entries: [importedEntry(importedSample(), 'x.json')],
      jsonSchema: importedJsonSchema(),
    };
    const take = (text: string) => filterEntries(ledger.entries, [parseCondition(text, ledger)]).length;
    expect(['method=psoft', 'test accuracy>0.4', 'r=256', 'dtype=bfloat16', 'task='].map(take)).toEqual([
      1, 1, 1, 1, 1,
    ]);
    expect(() => take('score>1')).not.toThrow();
    expect(take('score>1')).toBe(0);
  });
});

describe('rows', () => {
  it('are sorted by several fields, what lacks one last', () => {
    const order = (...names: string[]) =>
      sortEntries(all.entries, names, all).map(
        ({ record }) => `${record.runInfo.method}-${record.runInfo.seed}`,
      );
    expect(order('-score').slice(0, 3)).toEqual(['psoft-1', 'psoft-3', 'psoft-2']);
    expect(order('-score').at(-1)).toBe('psoft-1');
    expect(order('score').at(-1)).toBe('psoft-1');
    expect(order('seed', '-method').slice(0, 5)).toEqual([
      'psoft-1',
      'psoft-1',
      'psoft-1',
      'lora-1',
      'head-1',
    ]);
    expect(() => order('scroe')).toThrow('no record has a field "scroe"');
  });

  it('hold exact values; people see short ones, and no empty columns', () => {
    const fields = findFields(['method', 'score', 'hash', 'variant', 'buckets'], all);
    const rows = rowsOf(all.entries.slice(0, 2), fields);
    expect(rows[0]).toEqual({
      method: 'psoft',
      score: 0.792,
      hash: SAMPLES[0]!.runInfo.configHash,
      buckets: [16, 32, 64],
    });
    expect(
      formatRows(
        [{ ...rows[0], score: 1 / 3, method: 'a|b' }],
        fields.map(({ name }) => name),
        'markdown',
      ),
    ).toEqual([
      '| method |    score | hash     | buckets    |',
      '| ------ | -------: | -------- | ---------- |',
      `| a\\|b   | 0.333333 | ${SAMPLES[0]!.runInfo.configHash.slice(0, 8)} | [16,32,64] |`,
    ]);
    expect(findFields(RUN_COLUMNS, all)).toHaveLength(RUN_COLUMNS.length);
  });
});

describe('findEntry', () => {
  const [first, second] = all.entries as [(typeof all.entries)[0], (typeof all.entries)[0]];

  it('finds by file, name, digits of the hash, and beginning of the name', () => {
    for (const id of [
      'results/0.json',
      first.name,
      `${first.name}.json`,
      `results/tiny/nlu/cola/${first.name}.json`,
      first.hash,
      first.hash.slice(0, 6),
      first.name.slice(0, -2),
    ])
      expect(findEntry(all.entries, id), id).toBe(first);
  });

  it('lists what it may be', () => {
    expect(() => findEntry(all.entries, 'psoft-s')).toThrow(
      `"psoft-s" may be 5 records; give more of the hash or the file: results/0.json (${first.hash.slice(0, 12)}), results/1.json (${second.hash.slice(0, 12)}), `,
    );
    // Two runs with one configuration hash prefix.
    const twins = [first, { ...second, hash: `${first.hash.slice(0, 5)}${second.hash.slice(5)}` }];
    expect(() => findEntry(twins, first.hash.slice(0, 5))).toThrow('may be 2 records');
    expect(findEntry(twins, first.hash.slice(0, 12))).toBe(first);
    const many = Array.from({ length: 12 }, (_, i) => runEntry(trainingRecord(i), `${i}.json`));
    expect(() => findEntry(many, 'psof')).toThrow(', and 2 more');
  });

  it('says what may be given where there is none', () => {
    for (const id of ['abc', 'ffffffff', 'nothing', first.hash.slice(0, 3)])
      expect(() => findEntry(all.entries, id)).toThrow(`no record "${id}": give a file, a name like`);
  });
});
