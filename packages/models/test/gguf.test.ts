/** GGUF files as Python's libraries read them. Fixtures by tools/reference/gguf_files.py. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { GGMLQuantizationType } from '@huggingface/gguf';
import { openCheckpoint, readWeightSync, tf, useBackend } from '@psoft/engine';
import { modelFor, parseLlamaConfig } from '@psoft/models';
import { importGguf } from '@psoft/models/gguf';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { byteLength, GGUF_TYPES, widen } from '../src/gguf/blocks.ts';
import { expectClose, scopeOf } from './parity.ts';

const FIXTURES = path.join(import.meta.dirname, 'fixtures', 'gguf');
const read = (name: string) => JSON.parse(readFileSync(path.join(FIXTURES, name), 'utf8'));
const parent = mkdtempSync(path.join(tmpdir(), 'psoft-gguf-'));
afterAll(() => rmSync(parent, { recursive: true }));
beforeAll(() => useBackend('eager-cpu'));

describe('storage types', () => {
  const cases: Record<string, { blocks: string; weights: string }> = read('blocks.json');

  test('all are compared', () => {
    expect(Object.keys(cases).sort()).toEqual([...GGUF_TYPES].sort());
  });

  test.each(Object.entries(cases))('%s', (name, { blocks, weights }) => {
    const type = GGMLQuantizationType[name as keyof typeof GGMLQuantizationType];
    const data = Uint8Array.from(Buffer.from(blocks, 'base64'));
    const expected = new Float32Array(Uint8Array.from(Buffer.from(weights, 'base64')).buffer);
    expect(byteLength(type, expected.length)).toBe(data.length);
    const actual = widen(type, data);
    expect(actual.length).toBe(expected.length);
    expect(actual).toEqual(expected);
  });
});

interface Case {
  readonly name: string;
  readonly config: Record<string, unknown>;
  readonly ids: number[];
  readonly logits: number[];
  readonly texts: { readonly text: string; readonly ids: number[] }[];
}
const cases: Case[] = read('models.json');

describe.each(cases.map((one) => [one.name, one] as const))('%s', (name, one) => {
  const file = path.join(FIXTURES, `${name}.gguf`);
  const out = path.join(parent, name);

  test('becomes a model folder', async () => {
    const seen: string[] = [];
    const result = await importGguf(file, { out, onTensor: (done, total) => seen.push(`${done}/${total}`) });
    expect(readdirSync(out).sort()).toEqual([...result.files].sort());
    expect(result.files).toContain('model.safetensors');
    const { config, weights } = await openCheckpoint(out);
    // torch_dtype is how it is stored now; both say the same of everything that the model reads.
    expect(parseLlamaConfig(config)).toEqual(parseLlamaConfig(one.config));
    expect(config.torch_dtype).toBe('float32');
    for (const key of ['bos_token_id', 'eos_token_id', 'pad_token_id', 'max_position_embeddings'])
      expect(config[key], key).toBe(one.config[key]);
    expect(result.parameters).toBe(
      [...weights.values()].reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b), 0),
    );
    expect(seen.at(-1)).toBe(`${weights.size}/${weights.size}`);
    expect(Object.values(result.types).reduce((a, b) => a + b)).toBe(weights.size);
  });

  test('computes what transformers does with the same weights', async () => {
    const { config, weights } = await openCheckpoint(out);
    const model = modelFor('causal-lm', config, weights);
    tf.tidy(() => {
      const tensors = Object.fromEntries(
        [...model.weights].map(([key, source]) => [
          key,
          tf.tensor(readWeightSync(source), [...source.shape]),
        ]),
      );
      const inputIds = tf.tensor2d([one.ids], undefined, 'int32');
      const { logits } = model.forward(scopeOf(model, tensors), { inputIds });
      expectClose(logits!.dataSync(), one.logits, 'logits');
    });
  });

  test('16 bits, in several files', async () => {
    const folder = path.join(parent, `${name}-shards`);
    const { files } = await importGguf(file, { out: folder, dtype: 'BF16', shardSize: 20000 });
    const shards = files.filter((one) => one.endsWith('.safetensors'));
    expect(shards.length).toBeGreaterThan(2);
    expect(shards[0]).toBe(`model-00001-of-0000${shards.length}.safetensors`);
    const [whole, sharded] = [await openCheckpoint(out), await openCheckpoint(folder)];
    expect(sharded.config).toEqual({ ...whole.config, torch_dtype: 'bfloat16' });
    expect([...sharded.weights.keys()].sort()).toEqual([...whole.weights.keys()].sort());
    for (const [key, source] of sharded.weights) {
      expect(source).toMatchObject({ dtype: 'BF16' });
      const exact = readWeightSync(whole.weights.get(key)!);
      readWeightSync(source).forEach((value, i) => {
        if (Math.abs(value - exact[i]!) > 2 ** -8 * Math.abs(exact[i]!)) expect.fail(`${key}, ${i}`);
      });
    }
  });

  test('replaces a model of another number of files', async () => {
    const folder = path.join(parent, `${name}-shards`);
    const { files } = await importGguf(file, { out: folder });
    expect(readdirSync(folder).sort()).toEqual([...files].sort());
    expect((await openCheckpoint(folder)).weights.size).toBe((await openCheckpoint(out)).weights.size);
  });

  test('keeps its tokenizer', () => {
    const json = JSON.parse(readFileSync(path.join(out, 'tokenizer.json'), 'utf8'));
    const config = JSON.parse(readFileSync(path.join(out, 'tokenizer_config.json'), 'utf8'));
    expect(json.added_tokens.map(({ content }: { content: string }) => content)).toEqual([
      '<s>',
      '</s>',
      '<pad>',
    ]);
    expect(config).toMatchObject({
      bos_token: '<s>',
      eos_token: '</s>',
      pad_token: '<pad>',
      model_max_length: 128,
      chat_template: "{{ messages[0]['content'] }}",
    });
  });
});

describe('refuses', () => {
  const source = readFileSync(path.join(FIXTURES, 'quantised.gguf'));
  let count = 0;
  /** The file with one text in it replaced by another of the same length. */
  const changed = (from: string, to: string, length = source.length) => {
    const bytes = Buffer.from(source.subarray(0, length));
    expect(from.length).toBe(to.length);
    for (let at = bytes.indexOf(from); at >= 0; at = bytes.indexOf(from, at + 1)) bytes.write(to, at);
    const file = path.join(parent, `changed-${count++}.gguf`);
    writeFileSync(file, bytes);
    return importGguf(file, { out: path.join(parent, 'none') });
  };

  test('what is no GGUF file', async () => {
    const file = path.join(parent, 'text.gguf');
    writeFileSync(file, 'x'.repeat(100));
    await expect(importGguf(file, { out: parent })).rejects.toThrow(/text.gguf is no GGUF file/);
    await expect(importGguf(path.join(parent, 'absent'), { out: parent })).rejects.toThrow(
      /absent cannot be read: ENOENT/,
    );
  });
  test('another architecture', () =>
    expect(changed('llama', 'qwen3')).rejects.toThrow(
      'the architecture is "qwen3", only "llama" can be imported',
    ));
  test('another tokenizer, another way to cut', async () => {
    await expect(changed('gpt2', 'bert')).rejects.toThrow('the tokenizer is of kind "bert", only byte pairs');
    await expect(changed('smollm', 'viking')).rejects.toThrow(
      'texts are cut as "viking" (tokenizer.ggml.pre), known: default, gpt-2, smollm',
    );
  });
  test('a file without all tensors', () =>
    expect(changed('blk.1.attn_k.weight', 'blk.1.attn_z.weight')).rejects.toThrow(
      'has no tensor blk.1.attn_k.weight',
    ));
  test('a file that ends early', () =>
    expect(changed('llama', 'llama', source.length - 1000)).rejects.toThrow(/its tensor \S+ ends at/));
});
