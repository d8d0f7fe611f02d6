import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readParquetRows } from './parquet.ts';

const fixtures = path.join(import.meta.dirname, '../test/fixtures/parquet');
const fixture = (name: string) => path.join(fixtures, name);
const SHARDS = [fixture('train-00000-of-00002.parquet'), fixture('train-00001-of-00002.parquet')];
const expected: Record<string, unknown>[] = JSON.parse(readFileSync(fixture('expected.json'), 'utf8'));
const COLUMNS = ['sentence', 'sentence2', 'label', 'idx', 'score', 'exact', 'flag'];
const folder = mkdtempSync(path.join(tmpdir(), 'parquet-'));
afterAll(() => rmSync(folder, { recursive: true }));

function damaged(name: string, change: (content: Buffer) => Buffer): string {
  const file = path.join(folder, name);
  writeFileSync(file, change(readFileSync(SHARDS[0]!)));
  return file;
}

describe('readParquetRows', () => {
  it('reads shards in order, with the values that pyarrow reads', async () => {
    const rows = await readParquetRows(SHARDS, COLUMNS);
    expect(rows).toHaveLength(57);
    expect(rows).toEqual(expected);
    expect(typeof rows[1]!.label).toBe('number');
    const turned = await readParquetRows([...SHARDS].reverse(), ['idx']);
    expect(turned.slice(0, 8).map((row) => row.idx)).toEqual([50, 51, 52, 53, 54, 55, 56, 0]);
  });

  it('reads only the columns asked for, in that order', async () => {
    const [row] = await readParquetRows(SHARDS, ['label', 'sentence']);
    expect(Object.keys(row!)).toEqual(['label', 'sentence']);
  });

  it('reads pages of the second version without dictionaries, and files without rows', async () => {
    expect(await readParquetRows([fixture('plain.parquet')], COLUMNS)).toEqual(expected.slice(0, 50));
    expect(await readParquetRows([fixture('empty.parquet')], COLUMNS)).toEqual([]);
  });

  it('names the file and its columns when one is missing', async () => {
    await expect(readParquetRows(SHARDS, ['sentence', 'question'])).rejects.toThrow(
      `${SHARDS[0]} has no column "question"; it has sentence, sentence2, label, idx, score, exact, flag, tokens, huge`,
    );
  });

  it('refuses what is neither text nor number', async () => {
    await expect(readParquetRows(SHARDS, ['tokens'])).rejects.toThrow(
      /row 0, column "tokens" holds a list; only/,
    );
    await expect(readParquetRows(SHARDS, ['huge'])).rejects.toThrow(
      /row 0, column "huge" holds 1152921504606846976, more than a number keeps exactly/,
    );
  });

  it('tells files that are missing, something else, cut off or damaged', async () => {
    await expect(readParquetRows([path.join(folder, 'none')], ['x'])).rejects.toThrow(
      /^cannot open .*none \(ENOENT\)/,
    );
    const pointer = damaged('pointer', () => Buffer.from('version https://git-lfs.github.com/spec/v1\n'));
    await expect(readParquetRows([pointer], ['x'])).rejects.toThrow(
      /is no parquet file: it starts with "vers" instead/,
    );
    const empty = damaged('empty', () => Buffer.alloc(0));
    await expect(readParquetRows([empty], ['x'])).rejects.toThrow(
      /is no parquet file: it starts with "" instead/,
    );
    const short = damaged('short', (content) => content.subarray(0, 3000));
    await expect(readParquetRows([short], ['x'])).rejects.toThrow(
      /short is cut off: it ends after 3000 bytes/,
    );
    const hollow = damaged('hollow', (content) =>
      Buffer.concat([content.subarray(0, 200), content.subarray(-8)]),
    );
    await expect(readParquetRows([hollow], ['x'])).rejects.toThrow(
      /hollow cannot be read as parquet \(its footer has \d+ bytes, the file 208/,
    );
    const zeros = damaged('zeros', (content) => Buffer.from(content).fill(0, 4, 1500));
    await expect(readParquetRows([zeros], COLUMNS)).rejects.toThrow(
      /zeros cannot be read as parquet|zeros announces/,
    );
    await expect(readParquetRows([fixture('zstd.parquet')], ['label'])).rejects.toThrow(
      /zstd.parquet cannot be read as parquet \(.*ZSTD/,
    );
    for (const file of [pointer, short, zeros])
      await expect(readParquetRows([file], COLUMNS)).rejects.toMatchObject({ name: 'DataError' });
  });
});
