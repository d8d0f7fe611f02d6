/** A column of text from files, and from a Hub on loopback. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { loadTextColumn } from '../../src/textColumn.ts';
import { useSetting } from './setting.ts';

const setting = useSetting();
const FIXTURES = fileURLToPath(new URL('../fixtures/glue/', import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), 'psoft-column-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('from a file', () => {
  const file = (name: string, content: string) => {
    writeFileSync(path.join(folder, name), content);
    return path.join(folder, name);
  };

  test('lines of plain text, without empty ones', async () => {
    const texts = file('a.txt', '\ufeffOne.\r\n\r\n  Two. \n \nThree.');
    expect(await loadTextColumn(texts)).toEqual(['One.', '  Two. ', 'Three.']);
    expect(await loadTextColumn(texts, { limit: 2 })).toEqual(['One.', '  Two. ']);
  });
  test('columns of tables', async () => {
    expect(await loadTextColumn(file('a.csv', 'id,text\n1,"a\nb"\n2,c\n'))).toEqual(['a\nb', 'c']);
    expect(await loadTextColumn(file('a.tsv', 'review\tid\nx\t1\n'), { column: 'review' })).toEqual(['x']);
    expect(await loadTextColumn(file('a.jsonl', '{"text": "é"}\n'))).toEqual(['é']);
    const parquet = path.join(FIXTURES, 'rte/train-00000-of-00001.parquet');
    const sentences = await loadTextColumn(parquet, { column: 'sentence1' });
    expect([sentences.length, sentences[1]]).toEqual([24, 'The sailor saw ship 1.']);
  });
  test('what cannot be read is refused', async () => {
    await expect(loadTextColumn(file('b.txt', ' \n'))).rejects.toThrow(/b.txt holds no text$/);
    await expect(loadTextColumn(file('b.csv', 'id,line\n1,x\n'))).rejects.toThrow(/has the columns id, line/);
    await expect(loadTextColumn(file('b.md', 'x'))).rejects.toThrow(/b.md: texts are read from .txt, .csv/);
    await expect(loadTextColumn(folder)).rejects.toThrow(/: texts are read from/);
    await expect(loadTextColumn(path.join(folder, 'absent.txt'))).rejects.toThrow(
      /cannot read .*absent.txt \(ENOENT\)/,
    );
    const parquet = path.join(FIXTURES, 'rte/train-00000-of-00001.parquet');
    await expect(loadTextColumn(parquet, { column: 'label' })).rejects.toThrow(
      'row 1: "label" is 0, expected text',
    );
  });
});

describe('from the Hub', () => {
  const content = readFileSync(path.join(FIXTURES, 'rte/train-00000-of-00001.parquet'));
  const options = () => ({ column: 'sentence1', environment: setting.environment });

  test('the split that is asked for; the old name of imdb', async () => {
    setting.hub.host('datasets/stanfordnlp/imdb', {
      'plain_text/train-00000-of-00001.parquet': { content, isLarge: true },
      'plain_text/test-00000-of-00001.parquet': { content: Buffer.from('none'), isLarge: true },
    });
    const texts = await loadTextColumn('imdb', { ...options(), limit: 3 });
    expect([texts.length, texts[1]]).toEqual([3, 'The sailor saw ship 1.']);
    await expect(loadTextColumn('imdb', { ...options(), split: 'dev' })).rejects.toThrow(/dev-\*\.parquet/);
  });
  test('of several configurations one has to be chosen', async () => {
    setting.hub.host('datasets/org/two', {
      'a/train-00000-of-00001.parquet': { content, isLarge: true },
      'b/train-00000-of-00001.parquet': { content, isLarge: true },
    });
    await expect(loadTextColumn('org/two', options())).rejects.toThrow(
      'data set org/two has its train split in a, b: choose one of them as config',
    );
    expect(await loadTextColumn('org/two', { ...options(), config: 'b' })).toHaveLength(24);
  });
});
