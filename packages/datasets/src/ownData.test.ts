import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { holdOut, type LabelledOptions, loadInstructions, loadLabelled } from './ownData.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'psoft-own-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
function write(ending: string, content: string): string {
  const file = path.join(folder, `${files++}.${ending}`);
  writeFileSync(file, content);
  return file;
}
const csv = (content: string, options?: LabelledOptions) => loadLabelled(write('csv', content), options);

describe('loadLabelled', () => {
  test('numbers classes by their letters', async () => {
    const { examples, classes } = await csv('id,label,text\n1,no,"One, two"\n2,yes,Three\n3, no ,Four\n');
    expect(classes).toEqual(['no', 'yes']);
    expect(examples).toEqual([
      { text: 'One, two', label: 0 },
      { text: 'Three', label: 1 },
      { text: 'Four', label: 0 },
    ]);
  });

  test('numbers classes that are numbers by size', async () => {
    const { examples, classes } = await csv('text,label\na,10\nb,2\nc,2\n');
    expect(classes).toEqual(['2', '10']);
    expect(examples.map(({ label }) => label)).toEqual([1, 0, 0]);
  });

  test('reads pairs under names of their own, of JSON lines with numbers and truth values', async () => {
    const file = write('jsonl', '{"a":"x","b":"y","same":true}\n\n{"a":"z","b":"w","same":false}\n');
    const read = await loadLabelled(file, { textColumn: 'a', pairColumn: 'b', labelColumn: 'same' });
    expect(read.classes).toEqual(['false', 'true']);
    expect(read.examples).toEqual([
      { text: 'x', textPair: 'y', label: 1 },
      { text: 'z', textPair: 'w', label: 0 },
    ]);
  });

  test('reads scores', async () => {
    const { examples, classes } = await csv('text,label\na,0.5\nb,-2\n', { regression: true });
    expect(classes).toBeUndefined();
    expect(examples.map(({ label }) => label)).toEqual([0.5, -2]);
  });

  test('holds a validation file to the classes of the training file', async () => {
    const { classes } = await csv('text,label\na,no\nb,yes\n');
    const read = (content: string) => csv(content, { classes: classes! });
    expect((await read('text,label\na,yes\n')).examples[0]!.label).toBe(1);
    await expect(read('text,label\na,yes\nb,maybe\n')).rejects.toThrow(
      /\.csv line 3: label "maybe" is none of no, yes$/,
    );
  });

  test.each([
    ['text,label\na,\nb,x\n', {}, /line 2: "label" is "", expected a label/],
    ['text,label\n ,x\nb,y\n', {}, /line 2: "text" is empty, expected text/],
    ['text,label\na,x\nb,x\n', {}, /every row has the label "x"/],
    ['text,label\na,x\nb,1\n', { regression: true }, /line 2: label "x" is no number/],
    ['sentence,label\na,x\n', {}, /has no column "text"; it has sentence, label$/],
    ['text,label\n', {}, /holds no rows/],
    ['text,label\na,x\n', { classes: ['x'], regression: true }, /scores have no classes/],
  ] as const)('%j with %j is an error that says so', async (content, options, message) => {
    await expect(csv(content, options)).rejects.toThrow(message);
  });

  test('a column that holds no classes is an error', async () => {
    const rows = Array.from({ length: 1001 }, (_, i) => `a,${i}`);
    await expect(csv(`text,label\n${rows.join('\n')}\n`)).rejects.toThrow('1001 different values');
  });

  test('files that are missing or of another kind are errors', async () => {
    await expect(loadLabelled(path.join(folder, 'none.csv'))).rejects.toThrow(/none\.csv is missing/);
    await expect(loadLabelled(write('xlsx', 'a'))).rejects.toThrow(/rows are read from \.csv, \.tsv/);
  });
});

describe('loadInstructions', () => {
  test('wraps prompts in a template', async () => {
    const file = write('tsv', 'q\ta\nWhat?\tThat.\n');
    const options = {
      promptColumn: 'q',
      responseColumn: 'a',
      template: (prompt: string) => `Q: ${prompt}\nA: `,
    };
    expect(await loadInstructions(file, options)).toEqual([{ prompt: 'Q: What?\nA: ', response: 'That.' }]);
  });

  test('an empty response is an error', async () => {
    const file = write('csv', 'prompt,response\na,b\nc,\n');
    await expect(loadInstructions(file)).rejects.toThrow(/line 3: "response" is empty/);
  });
});

describe('holdOut', () => {
  const split = {
    source: 'rows',
    examples: Array.from({ length: 50 }, (_, i) => ({ text: String(i), label: i % 2 })),
    classes: ['a', 'b'],
  };

  test('cuts the rows in two, each once, by the seed alone', () => {
    const { train, validation } = holdOut(split, { share: 0.2, seed: 3 });
    expect([train.examples.length, validation.examples.length]).toEqual([40, 10]);
    const all = [...train.examples, ...validation.examples].map(({ text }) => Number(text));
    expect(all.sort((a, b) => a - b)).toEqual([...split.examples.keys()]);
    expect(holdOut(split, { share: 0.2, seed: 3 })).toEqual({ train, validation });
    expect(holdOut(split, { share: 0.2, seed: 4 }).validation).not.toEqual(validation);
    expect(validation).toMatchObject({ classes: ['a', 'b'], source: 'rows, held-out rows' });
  });

  test.each([0, 0.001, 1, Number.NaN])('a share of %d is an error', (share) => {
    expect(() => holdOut(split, { share })).toThrow('to validate on');
  });
});
