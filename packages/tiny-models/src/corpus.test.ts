import { expect, test } from 'vitest';
import { countWords, readCorpus, splitSentences } from './corpus.ts';

test('two million words of clean sentences from both packages', async () => {
  const documents = await readCorpus();
  expect(documents[0]).toMatchObject({ name: 'moby-dick/chapter_1' });
  expect(documents[0]!.sentences[0]).toBe('Call me Ishmael.');
  expect(documents.filter(({ name }) => name.startsWith('moby-dick/'))).toHaveLength(136);
  expect(countWords(documents)).toBeGreaterThan(2_000_000);
  for (const { name, sentences } of documents) {
    expect(sentences.length, name).toBeGreaterThan(0);
    for (const sentence of sentences) {
      if (/^[!-~]+(?: [!-~]+)*$/.test(sentence) && !sentence.startsWith('CHAPTER')) continue;
      throw new Error(`${name}: ${sentence}`);
    }
  }
});

test.each([
  ['He saw Mr. Starbuck. "Aye!" said he.', ['He saw Mr. Starbuck.', '"Aye!" said he.']],
  [
    'It cost $1.50. No. 5 did not. The U. S. Navy came.',
    ['It cost $1.50.', 'No. 5 did not.', 'The U. S. Navy came.'],
  ],
  ['CHAPTER 10. A Bosom Friend.\n\nReturning—alone—I slept.', ['Returning - alone - I slept.']],
  ['‘Tis “well”. [laughter] Thank you. (Applause.)', [`'Tis "well".`, 'Thank you.']],
  ['A naïve man.\n\nThe word חו is left out. 1. 2.', ['A naive man.']],
  ['Speak, thou vast head! which wears no beard.', ['Speak, thou vast head! which wears no beard.']],
])('%j falls into sentences', (text, sentences) => {
  expect(splitSentences(text)).toEqual(sentences);
});
