import { generateGsm, generateMathProblems } from '@psoft/datasets';
import { expect, test } from 'vitest';
import { BpeEncoder } from './bpe/encoder.ts';
import { checkpointFolder } from './checkpoints.ts';
import { corpusRows, LLAMA_MIX, LlamaCorpus } from './llamaCorpus.ts';

const corpus = new LlamaCorpus([
  {
    name: 'one',
    sentences: ['Some sailors went there.', 'They were never seen again.', 'Nobody knew where.'],
  },
  { name: 'two', sentences: ['Fellow citizens of the Senate, the state is strong.'] },
]);
const texts = corpus.texts(1, 0, 4000);
const isTask = (text: string) => text.startsWith('Below is an instruction');
const isProse = (text: string) => /^(Some|They|Nobody|Fellow)/.test(text);

test('seed and block decide the texts', () => {
  expect(corpus.texts(1, 3, 20)).toEqual(corpus.texts(1, 3, 20));
  expect(corpus.texts(1, 4, 20)).not.toEqual(corpus.texts(1, 3, 20));
  expect(corpus.texts(2, 3, 20)).not.toEqual(corpus.texts(1, 3, 20));
});

test('the kinds come in their shares', () => {
  const all = Object.values(LLAMA_MIX).reduce((a, b) => a + b, 0);
  const share = (is: (text: string) => boolean) => texts.filter(is).length / texts.length;
  // Five standard errors of a share of 4000.
  const margin = (p: number) => 5 * Math.sqrt((p * (1 - p)) / texts.length);
  for (const [is, part] of [
    [isTask, LLAMA_MIX.tasks / all],
    [isProse, LLAMA_MIX.prose / all],
  ] as const)
    expect(Math.abs(share(is) - part)).toBeLessThan(margin(part));
});

test('the template is never seen with mathematics: responses repeat, order or count what they are given', () => {
  for (const text of texts.filter(isTask)) {
    const [, kind, list, response] =
      /### Instruction:\n[^:]*?(words|numbers|formulas)[^:]*: ([^\n]*)\n\n### Response:(?: Let's think step by step\.)?(.*)$/s.exec(
        text,
      )!;
    const given = list!.split(' ');
    const said = response!.split(/\s/);
    if (response!.startsWith('There')) expect(response).toBe(`There are ${given.length} ${kind}.`);
    else for (const word of said) expect(given, text).toContain(word);
  }
});

test('no problem of the generated sets is in it', () => {
  const all = texts.join('\n');
  for (const generate of [generateGsm, generateMathProblems]) {
    const { train, test: tested } = generate(2026, { train: 1000, test: 200 });
    for (const { query } of train.examples) expect(all).not.toContain(query);
    for (const { problem } of tested.examples) expect(all).not.toContain(problem);
  }
});

test('rows hold whole texts between the tokens of beginning and end, but for the last', async () => {
  const encoder = await BpeEncoder.load(checkpointFolder('llama-tiny'));
  const shape = { seed: 1, at: 2, rows: 3, length: 160 };
  const ids = corpusRows(corpus, encoder, shape);
  expect(ids).toHaveLength(3 * 160);
  expect(corpusRows(corpus, encoder, shape)).toEqual(ids);
  for (let row = 0; row < 3; row++) {
    const own = [...ids.subarray(row * 160, (row + 1) * 160)];
    expect(own[0]).toBe(encoder.beginId);
    own.forEach((id, i) => {
      if (i > 0) expect(id === encoder.beginId).toBe(own[i - 1] === encoder.endId);
    });
    expect(new Set(own).size).toBeGreaterThan(20);
  }
});
