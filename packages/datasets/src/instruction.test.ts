import { describe, expect, test } from 'vitest';
import {
  encodeInstructions,
  fingerprintPairs,
  type InstructionInputs,
  type InstructionSplit,
  instructionEvaluationBatches,
  instructionTrainingBatches,
} from './instruction.ts';
import type { Tokenizer } from './tokenise.ts';

/** A token a letter, after a token that begins the text. */
const letters: Tokenizer = {
  padId: 0,
  eosId: 1,
  encode: (text, _, maxLength) =>
    Int32Array.of(2, ...Array.from(text, (letter) => letter.codePointAt(0)!)).slice(0, maxLength),
  decode: (ids) => String.fromCodePoint(...Array.from(ids).filter((id) => id > 2)),
};
const split = (...pairs: [string, string][]): InstructionSplit => ({
  source: 'test',
  examples: pairs.map(([prompt, response]) => ({ prompt, response })),
});
const code = (text: string) => Array.from(text, (letter) => letter.codePointAt(0)!);

describe('encodeInstructions', () => {
  test('ends the response and counts it alone', () => {
    const { examples, dropped, cut } = encodeInstructions(letters, split(['ab', 'cd']), { maxLength: 9 });
    expect([...examples[0]!.ids]).toEqual([2, ...code('abcd'), 1]);
    expect(examples[0]!.start).toBe(3);
    expect([dropped, cut]).toEqual([0, 0]);
  });
  test('counts the prompt too where asked, but no token that nothing stands before', () => {
    const { examples } = encodeInstructions(letters, split(['ab', 'c']), {
      maxLength: 9,
      lossOnPrompt: true,
    });
    expect(examples[0]!.start).toBe(1);
  });
  test('cuts the end, and leaves out what has no response left', () => {
    const set = split(['ab', 'cdef'], ['abcdef', 'g'], ['a', 'b'], ['abcd', 'e']);
    const { examples, dropped, cut } = encodeInstructions(letters, set, { maxLength: 5 });
    expect(examples.map(({ index }) => index)).toEqual([0, 2]);
    expect([...examples[0]!.ids]).toEqual([2, ...code('abcd')]);
    expect([dropped, cut]).toEqual([2, 1]);
    const all = encodeInstructions(letters, set, { maxLength: 5, lossOnPrompt: true });
    expect([all.dropped, all.cut]).toEqual([0, 3]);
  });
  test('a tokenizer that ends texts itself ends them once', () => {
    const ending: Tokenizer = {
      ...letters,
      encode: (text, pair, length) => Int32Array.of(...letters.encode(text, pair, length), 1),
    };
    const [one] = encodeInstructions(ending, split(['ab', 'cd']), { maxLength: 9 }).examples;
    expect([...one!.ids]).toEqual([2, ...code('abcd'), 1]);
    expect(one!.start).toBe(3);
  });
  test('the prompt has as many places as alone, where its end joins the response', () => {
    // ":x" is one token, as ":T" is one of Llama 3's.
    const joining: Tokenizer = {
      ...letters,
      encode: (text, pair, length) => letters.encode(text.replaceAll(':x', 'X'), pair, length),
    };
    const [one] = encodeInstructions(joining, split(['a:', 'xy']), { maxLength: 9 }).examples;
    expect([...one!.ids]).toEqual([2, ...code('aXy'), 1]);
    expect(one!.start).toBe(3);
  });
  test('refuses a set without any response, and a tokenizer without an end', () => {
    expect(() => encodeInstructions(letters, split(['abcdef', 'g']), { maxLength: 4 })).toThrow(
      'test: none of 1 examples has a response within 4 tokens: raise the maximum length',
    );
    const { eosId: _, ...endless } = letters;
    expect(() => encodeInstructions(endless, split(['a', 'b']), { maxLength: 4 })).toThrow(/eos_token/);
  });
  test('the fingerprint tells prompts from responses', () => {
    const of = (prompt: string, response: string) => fingerprintPairs([{ prompt, response }]);
    expect(of('a', 'b')).toBe(of('a', 'b'));
    expect(of('a', 'b')).not.toBe(of('b', 'a'));
    expect(of('ab', 'c')).not.toBe(of('a', 'bc'));
  });
});

describe('batches', () => {
  const set = split(
    ...Array.from({ length: 11 }, (_, i): [string, string] => [
      'p'.repeat(1 + (i % 3)),
      'r'.repeat(1 + ((7 * i) % 9)),
    ]),
  );
  const { examples } = encodeInstructions(letters, set, { maxLength: 16 });
  const options = { batchSize: 4, microBatchSize: 2, buckets: [8, 16], padId: 0 };
  const labelsOf = (inputs: object) => (inputs as InstructionInputs).labels;
  const counted = (inputs: object) => labelsOf(inputs).reduce((sum, one) => sum + (one >= 0 ? 1 : 0), 0);

  test('are the same updates whatever the micro-batches', () => {
    const whole = instructionTrainingBatches(examples, 5, 0, { ...options, microBatchSize: 4 });
    const parts = instructionTrainingBatches(examples, 5, 0, options);
    const members = (batches: typeof whole) => batches.map((one) => [...one.examples].sort());
    expect(members(parts)).toEqual(members(whole));
    expect(members(whole).flat().sort()).toEqual(Array.from({ length: 11 }, (_, i) => i).sort());
    expect(whole.map(({ rows }) => rows)).toEqual([4, 4, 3]);
    expect(whole.every((one) => one.parts === undefined)).toBe(true);
    expect(parts.map((one) => one.parts!.map(({ rows }) => rows))).toEqual([
      [2, 2],
      [2, 2],
      [2, 1],
    ]);
    for (const [i, batch] of parts.entries()) {
      expect(batch.tokens).toBe(whole[i]!.tokens);
      const scales = batch.parts!.map(({ inputs }) => (inputs as InstructionInputs).lossScale[0]);
      const sum = batch.parts!.reduce((total, { inputs }) => total + counted(inputs), 0);
      expect(new Set([...scales, Math.fround(1 / sum)]).size).toBe(1);
      expect(counted(whole[i]!.inputs)).toBe(sum);
      // The longer ones stand together, so the second part is padded less.
      expect(batch.parts![0]!.bucket).toBeGreaterThanOrEqual(batch.parts![1]!.bucket);
    }
    expect(parts.flatMap((one) => one.parts!.map(({ bucket }) => bucket))).toContain(8);
  });
  test('are another order in another epoch, and the same for the same seed', () => {
    const of = (seed: number, epoch: number) =>
      instructionTrainingBatches(examples, seed, epoch, options).flatMap((one) => [...one.examples]);
    expect(of(5, 0)).toEqual(of(5, 0));
    expect(of(5, 1)).not.toEqual(of(5, 0));
    expect(of(6, 0)).not.toEqual(of(5, 0));
  });
  test('hold tokens, padding on the right, and labels in the places of their tokens', () => {
    for (const { parts } of instructionTrainingBatches(examples, 5, 0, options))
      for (const { inputs, bucket, examples: places } of parts!) {
        const { inputIds, labels } = inputs as InstructionInputs;
        expect(inputIds).toHaveLength(2 * bucket);
        for (const [row, place] of places.entries()) {
          const { ids, start } = examples[place]!;
          const padding = new Array(bucket - ids.length).fill(0);
          const end = (row + 1) * bucket;
          expect([...inputIds.subarray(row * bucket, end)]).toEqual([...ids, ...padding]);
          const wanted = Array.from({ length: bucket }, (_, i) => (i >= start ? (ids[i] ?? -1) : -1));
          expect([...labels.subarray(row * bucket, end)]).toEqual(wanted);
        }
        // Rows of filling count nothing.
        if (places.length < 2) expect(new Set(labels.subarray(bucket))).toEqual(new Set([-1]));
      }
  });
  test('of an evaluation share one scale over the whole set', () => {
    const batches = instructionEvaluationBatches(examples, options);
    const sum = batches.reduce((total, { inputs }) => total + counted(inputs), 0);
    for (const { inputs } of batches)
      expect((inputs as InstructionInputs).lossScale[0]).toBe(Math.fround(1 / sum));
    expect(batches.flatMap((one) => [...one.examples]).sort()).toEqual(
      examples.map(({ index }) => index).sort(),
    );
  });
  test('refuse what no bucket holds', () => {
    expect(() => instructionTrainingBatches(examples, 5, 0, { ...options, buckets: [8] })).toThrow(
      /add a bucket/,
    );
  });
});
