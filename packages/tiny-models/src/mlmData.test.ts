import { describe, expect, test } from 'vitest';
import { checkpointFolder } from './checkpoints.ts';
import { maskedBatch, packDocuments } from './mlmData.ts';
import { CorpusEncoder } from './tokenizer/encoder.ts';

const encoder = await CorpusEncoder.load(checkpointFolder('deberta-tiny'));
const sentence = (i: number) => `${'The old man saw the ship. '.repeat(1 + (i % 5))}Number ${i}.`;
const documents = [0, 1].map((part) => ({
  name: `part ${part}`,
  sentences: Array.from({ length: 300 }, (_, i) => sentence(300 * part + i)),
}));
const LENGTH = 32;
const corpus = packDocuments(documents, encoder, LENGTH);
const row = (i: number) => [...corpus.ids.subarray(i * LENGTH, (i + 1) * LENGTH)];

describe('packing', () => {
  test('every sequence is [CLS], tokens, [SEP], padding', () => {
    for (let i = 0; i < corpus.count; i++) {
      const ids = row(i);
      const end = ids.indexOf(encoder.sepId);
      expect(ids[0]).toBe(encoder.clsId);
      expect(ids.slice(1, end).every((id) => id >= 4)).toBe(true);
      expect(ids.slice(end + 1).every((id) => id === encoder.padId)).toBe(true);
    }
  });

  test('no token is lost, and little is padding', () => {
    const tokens = documents.flatMap(({ sentences }) => sentences.flatMap((text) => encoder.encode(text)));
    const packed = [...corpus.ids].filter((id) => id >= 4);
    expect(packed.sort()).toEqual(tokens.sort());
    expect(corpus.fill).toBeCloseTo(packed.length / corpus.ids.length, 12);
    expect(corpus.fill).toBeGreaterThan(0.8);
  });

  test('a sentence longer than a sequence is cut into full ones', () => {
    const long = 'The ship. '.repeat(25).trim();
    const { count, ids } = packDocuments([{ name: 'long', sentences: [long] }], encoder, LENGTH);
    expect(count).toBe(Math.ceil(encoder.encode(long).length / (LENGTH - 2)));
    expect([...ids].filter((id) => id >= 4)).toEqual(encoder.encode(long));
  });

  test('a length without room is refused', () => {
    expect(() => packDocuments(documents, encoder, 2)).toThrow(/got length 2/);
  });
});

describe('masked batches', () => {
  const BATCH = 16;
  const batches = Math.floor(corpus.count / BATCH);

  test('seed and step decide them, in any order of asking', () => {
    const batch = maskedBatch(corpus, 1, 3, BATCH);
    maskedBatch(corpus, 1, batches + 1, BATCH);
    expect(maskedBatch(corpus, 1, 3, BATCH)).toEqual(batch);
    expect(maskedBatch(corpus, 2, 3, BATCH).inputIds).not.toEqual(batch.inputIds);
    expect(maskedBatch(corpus, 1, 4, BATCH).inputIds).not.toEqual(batch.inputIds);
  });

  test('labels are the tokens that stood there; other places are unchanged', () => {
    const { inputIds, attentionMask, labelRows, labels } = maskedBatch(corpus, 1, 0, BATCH);
    const restored = inputIds.slice();
    labelRows.forEach((place, i) => {
      restored[place] = labels[i]!;
    });
    const known = new Set(Array.from({ length: corpus.count }, (_, i) => row(i).join(' ')));
    for (let i = 0; i < BATCH; i++)
      expect(known).toContain([...restored.subarray(i * LENGTH, (i + 1) * LENGTH)].join(' '));
    expect(labels.every((id) => id >= 4)).toBe(true);
    expect([...attentionMask]).toEqual([...inputIds].map((id) => (id === encoder.padId ? 0 : 1)));
    expect(new Set(labelRows).size).toBe(labelRows.length);
  });

  test('a pass shows every sequence at most once', () => {
    const seen: string[] = [];
    for (let step = 0; step < batches; step++) {
      const { inputIds, labelRows, labels } = maskedBatch(corpus, 1, step, BATCH);
      labelRows.forEach((place, i) => {
        inputIds[place] = labels[i]!;
      });
      for (let i = 0; i < BATCH; i++)
        seen.push([...inputIds.subarray(i * LENGTH, (i + 1) * LENGTH)].join(' '));
    }
    const stored = Array.from({ length: corpus.count }, (_, i) => row(i).join(' '));
    const count = (list: string[], text: string) => list.filter((other) => other === text).length;
    for (const text of new Set(seen)) expect(count(seen, text)).toBeLessThanOrEqual(count(stored, text));
  });

  test('15 % are masked, 80 % of them by [MASK], 10 % by another token', () => {
    let [masked, hidden, kept] = [0, 0, 0];
    const counts = new Set<number>();
    for (let step = 0; step < 200; step++) {
      const { inputIds, labelRows, labels } = maskedBatch(corpus, 5, step, BATCH);
      counts.add(labelRows.length);
      labelRows.forEach((place, i) => {
        masked++;
        if (inputIds[place] === encoder.maskId) hidden++;
        else if (inputIds[place] === labels[i]) kept++;
        else expect(inputIds[place]).toBeGreaterThanOrEqual(4);
      });
    }
    expect([...counts]).toEqual([Math.round(0.15 * corpus.fill * BATCH * LENGTH)]);
    // Five standard errors of a share near 0.8 and 0.1.
    expect(Math.abs(hidden / masked - 0.8)).toBeLessThan(5 * Math.sqrt(0.16 / masked));
    expect(Math.abs(kept / masked - 0.1)).toBeLessThan(5 * Math.sqrt(0.09 / masked));
  });

  test('a corpus smaller than a batch is refused', () => {
    expect(() => maskedBatch(corpus, 1, 0, corpus.count + 1)).toThrow(/lower the batch size/);
  });
});
