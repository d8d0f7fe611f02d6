import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import papaparse from 'papaparse';
import { describe, expect, it } from 'vitest';
import { importedSample } from '../../test/imported.ts';
import { evaluationRecord, SAMPLES, sampleRecord } from '../../test/records.ts';
import { importedEntry, runEntry } from '../query/ledger.ts';
import { toCsv } from './csv.ts';
import { toParquet } from './parquet.ts';
import { curveTable, runTable, type Tabular } from './tabular.ts';

const entries = [...SAMPLES, evaluationRecord(), sampleRecord({ status: 'failed', variant: 'x' })].map(
  (record) => runEntry(record, 'x.json'),
);
const table = runTable(entries);

async function parquetRows(tabular: Tabular) {
  const bytes = toParquet(tabular);
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
  return { rows: await parquetReadObjects({ file }), metadata: parquetMetadata(file) };
}

describe('runTable', () => {
  it('has a row a run, a column a field, in the order of records', () => {
    expect(table.rows).toHaveLength(entries.length);
    expect(table.columns.slice(0, 6)).toEqual([
      'name',
      'score',
      'schemaVersion',
      'runInfo.experiment',
      'runInfo.task',
      'runInfo.profile',
    ]);
    expect(new Set(table.columns).size).toBe(table.columns.length);
    // What only one record has stands among its own.
    const at = (name: string) => table.columns.indexOf(name);
    expect(at('runInfo.variant')).toBe(at('runInfo.method') + 1);
    expect(at('runInfo.evaluationConfig.scorer')).toBeGreaterThan(at('runInfo.adapterConfig.r'));
    expect(at('runInfo.evaluationConfig.scorer')).toBeLessThan(at('metaInfo.modelInfo.name'));
    expect(table.rows[0]).toMatchObject({
      score: 0.792,
      'runInfo.trainConfig.buckets': [16, 32, 64],
      'metaInfo.codeInfo.isDirty': false,
    });
    expect(table.columns.some((column) => column.startsWith('trainInfo.metrics'))).toBe(false);
  });

  it('has of curves a row an epoch, or a row a point', () => {
    const curves = curveTable(entries.slice(0, 2));
    expect(curves.rows).toHaveLength(12);
    expect(curves.columns).toEqual([
      ...['name', 'profile', 'experiment', 'task', 'method', 'seed', 'epoch', 'step', 'trainLoss'],
      ...[
        'selection.matthews',
        'selection.accuracy',
        'learningRate',
        'trainSeconds',
        'evalSeconds',
        'tokensPerSecond',
      ],
    ]);
    const imported = curveTable([importedEntry(importedSample(), 'y.json')]);
    expect(imported.rows.map(({ series, step, value }) => [series, step, value])).toEqual([
      ['train loss', 250, 1.1],
      ['train loss', 500, 0.9],
      ['train loss', 1000, -0.0015],
    ]);
  });
});

describe('toCsv', () => {
  it('is read back by an ordinary reader, whatever the texts', () => {
    const odd = {
      columns: ['a', 'b', 'c'],
      rows: [
        { a: 'x,"y"\nz', b: 0.1 + 0.2 },
        { a: '', c: [1, 'two'] },
      ],
    };
    const text = toCsv(odd);
    expect(text.endsWith('\n')).toBe(true);
    expect(papaparse.parse<string[]>(text.trimEnd()).data).toEqual([
      ['a', 'b', 'c'],
      ['x,"y"\nz', '0.30000000000000004', ''],
      ['', '', '[1,"two"]'],
    ]);
    const { data, meta } = papaparse.parse<Record<string, string>>(toCsv(table).trimEnd(), { header: true });
    expect(meta.fields).toEqual(table.columns);
    expect(data.map((row) => Number(row['trainInfo.test.matthews']))).toEqual(
      table.rows.map((row) => (row['trainInfo.test.matthews'] as number | undefined) ?? 0),
    );
  });
});

describe('toParquet', () => {
  it('is read back as it was, by the reader of the data sets', async () => {
    const { rows, metadata } = await parquetRows(table);
    expect(Number(metadata.num_rows)).toBe(table.rows.length);
    for (const [index, row] of rows.entries())
      for (const column of table.columns) {
        const expected = table.rows[index]![column];
        const seen = row[column];
        const place = `row ${index}, ${column}`;
        if (expected === undefined) expect(seen, place).toBeNull();
        else if (typeof expected === 'object') expect(JSON.parse(seen as string), place).toEqual(expected);
        else expect(typeof seen === 'bigint' ? Number(seen) : seen, place).toBe(expected);
      }
  });

  it('types a column by all its values', async () => {
    const rows = [
      { whole: 2 ** 40, real: 1, flag: true, text: 'é "x"', mixed: 1, none: undefined },
      { whole: -1, real: 0.5, flag: false, text: '', mixed: 'one' },
      {},
    ];
    const columns = ['whole', 'real', 'flag', 'text', 'mixed', 'none'];
    const { rows: seen, metadata } = await parquetRows({ columns, rows });
    expect(seen).toEqual([
      { whole: 2n ** 40n, real: 1, flag: true, text: 'é "x"', mixed: '1', none: null },
      { whole: -1n, real: 0.5, flag: false, text: '', mixed: '"one"', none: null },
      { whole: null, real: null, flag: null, text: null, mixed: null, none: null },
    ]);
    expect(metadata.schema.slice(1).map(({ type }) => type)).toEqual([
      ...['INT64', 'DOUBLE', 'BOOLEAN', 'BYTE_ARRAY', 'BYTE_ARRAY', 'BYTE_ARRAY'],
    ]);
  });

  it('refuses a table without rows', () => {
    expect(() => toParquet({ columns: ['a'], rows: [] })).toThrow('no records to write');
  });
});
