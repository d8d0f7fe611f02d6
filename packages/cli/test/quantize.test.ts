/** A model in 4 bits as a user makes, trains and merges it. */
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { fingerprintWeights, openCheckpoint, readWeight, writeSafetensors } from '@psoft/engine';
import { modelFor } from '@psoft/models';
import { readRecords } from '@psoft/results';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { psoft, start } from './psoft.ts';

const TINY = fileURLToPath(new URL('../../tiny-models/checkpoints/llama-tiny', import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), 'psoft-quantize-'));
afterAll(() => rmSync(folder, { recursive: true, maxRetries: 5 }));
const at = (name: string) => path.join(folder, name);
const quantised = at('llama-4bit');
const ADAPTED = ['--rank=8', '--set', 'targetModules=["q_proj","down_proj"]'];

describe('psoft quantize', () => {
  let said: string;
  beforeAll(async () => {
    const { code, stdout, stderr } = await psoft('quantize', TINY, '--out', quantised);
    expect([code, stderr]).toEqual([0, '']);
    said = stdout;
  });

  test('says what it did', () => {
    expect(said).toMatch(
      /^28 linear layers in 4 bits \(blocks of 32, scales in f16\), 10 other weights as they were\n/,
    );
    expect(said).toMatch(
      /\nweights: 1\.8 MB before, 719\.\d kB now; the quantised ones are off by 8\.\d % of/,
    );
  });

  test('writes a model that opens like any other', async () => {
    expect(readdirSync(quantised).sort()).toEqual(readdirSync(TINY).sort());
    const [before, after] = [await openCheckpoint(TINY), await openCheckpoint(quantised)];
    const { quantization_config, ...config } = after.config;
    expect(config).toEqual(before.config);
    expect(quantization_config).toEqual({
      quant_method: 'psoft',
      bits: 4,
      block_size: 32,
      scale_dtype: 'float16',
    });
    const { weights, linears } = modelFor('causal-lm', { ...after.config }, after.weights);
    const names = new Set(linears.map(({ name }) => `${name}.weight`));
    for (const [name, source] of weights) {
      expect(source.shape, name).toEqual(before.weights.get(name)!.shape);
      expect(source.kind, name).toBe(names.has(name) ? 'quantized' : 'file');
      const [exact, stored] = [await readWeight(before.weights.get(name)!), await readWeight(source)];
      if (!names.has(name)) expect(stored, name).toEqual(exact);
      const norm = (values: Float32Array) => Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0));
      expect(norm(stored.map((value, i) => value - exact[i]!)), name).toBeLessThan(0.1 * norm(exact));
    }
  });

  test('from shards, in other blocks, with layers left out', async () => {
    const { weights } = await openCheckpoint(TINY);
    const sharded = at('sharded');
    cpSync(TINY, sharded, { recursive: true, filter: (file) => !file.endsWith('.safetensors') });
    const names = [...weights.keys()];
    const map: Record<string, string> = {};
    for (const part of [0, 1]) {
      const shard = `model-0000${part + 1}-of-00002.safetensors`;
      const own = names.filter((_, i) => i % 2 === part);
      for (const name of own) map[name] = shard;
      await writeSafetensors(
        path.join(sharded, shard),
        own.map((name) => [name, weights.get(name)!] as const),
        { dtype: 'F16' },
      );
    }
    const index = path.join(sharded, 'model.safetensors.index.json');
    writeFileSync(index, JSON.stringify({ metadata: {}, weight_map: map }));
    const options = ['--block-size', '64', '--scale-dtype', 'f32', '--exclude', 'down_proj'];
    const out = [at('from-one'), at('from-shards')] as const;
    const [one, other] = [
      await psoft('quantize', TINY, '--out', out[0], ...options),
      await psoft('quantize', sharded, '--out', out[1], ...options),
    ];
    expect([one.code, other.code], one.stderr + other.stderr).toEqual([0, 0]);
    expect(other.stdout).toMatch(/^24 linear layers in 4 bits \(blocks of 64, scales in f32\), 14 other/);
    expect(readdirSync(out[1]).sort()).toEqual(readdirSync(TINY).sort());
    const [{ weights: first }, { weights: second }] = [
      await openCheckpoint(out[0]),
      await openCheckpoint(out[1]),
    ];
    expect(second.get('model.layers.0.mlp.down_proj.weight')).toMatchObject({ kind: 'file', dtype: 'F16' });
    // The tiny Llama is stored in F16: its shards hold the same numbers.
    expect(await fingerprintWeights(second)).toBe(await fingerprintWeights(first));
  });

  test.each<[string, string[], string]>([
    [
      'a folder that is not empty',
      [TINY, '--out', TINY],
      ' is not empty: give an empty folder, or a new one',
    ],
    ['a quantised model', [quantised, '--out', at('no')], ' is quantised already: take the original'],
    [
      'an unknown layer',
      [TINY, '--out', at('no'), '--exclude', 'key'],
      '--exclude key names no linear layer; they end in q_proj,',
    ],
    [
      'blocks that do not fit',
      [TINY, '--out', at('no'), '--block-size', '128'],
      'rows are an even number of blocks of 128',
    ],
  ])('refuses %s, and leaves nothing', async (_, args, message) => {
    const { code, stderr } = await psoft('quantize', ...args);
    expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(readdirSync(folder).filter((name) => name.startsWith('no'))).toEqual([]);
  });

  test('a model that something else quantised is refused in one line', async () => {
    const other = at('gptq');
    cpSync(TINY, other, { recursive: true });
    const file = path.join(other, 'config.json');
    const config = {
      ...JSON.parse(readFileSync(file, 'utf8')),
      quantization_config: { quant_method: 'gptq' },
    };
    writeFileSync(file, JSON.stringify(config));
    const { code, stderr } = await psoft('generate', other, '--prompt', 'x');
    expect([code, stderr]).toEqual([
      1,
      `psoft: ${file}: the weights are quantised by "gptq", which cannot be read: take the model's unquantised checkpoint, and \`psoft quantize\` for 4 bits\n`,
    ]);
  });
});

describe('a run on it', () => {
  const args = [
    'train',
    'math/train',
    `--model-dir=${quantised}`,
    '--max-steps=8',
    '--threads=1',
    ...ADAPTED,
  ];
  const out = (name: string) => [
    `--results-dir=${at(`${name}/results`)}`,
    `--runs-dir=${at(`${name}/runs`)}`,
  ];
  const recordOf = async (name: string) =>
    (await readRecords(at(`${name}/results`), { experiment: 'math' })).records[0]!;
  const runOf = (name: string) => {
    const parent = at(`${name}/runs/tiny/math/train`);
    return path.join(parent, readdirSync(parent)[0]!);
  };

  test('learns, and broken off goes on to the same end', async () => {
    const straight = await psoft(...args, ...out('straight'));
    expect(straight.code, straight.stderr).toBe(0);
    const running = start([...args, '--checkpoint-steps=2', ...out('broken')]);
    const file = () =>
      existsSync(at('broken/runs')) ? path.join(runOf('broken'), 'checkpoint.safetensors') : '';
    await expect.poll(() => existsSync(file()), { timeout: 60_000, interval: 10 }).toBe(true);
    running.killAll();
    await running.outcome;
    const last = await psoft(...args, '--checkpoint-steps=2', ...out('broken'));
    expect(last.code, last.stderr).toBe(0);
    expect(last.stderr).toMatch(/continuing after step \d+/);
    const [one, other] = [await recordOf('straight'), await recordOf('broken')];
    expect(other.trainInfo.metrics.map(({ trainLoss }) => trainLoss)).toEqual(
      one.trainInfo.metrics.map(({ trainLoss }) => trainLoss),
    );
    const { weights } = await openCheckpoint(quantised);
    expect(one.metaInfo.modelInfo.fingerprint).toBe(await fingerprintWeights(weights));
  }, 120_000);

  test('merges into a float model', async () => {
    const merged = at('merged');
    const { code, stderr, stdout } = await psoft('merge', runOf('straight'), '--out', merged, '--threads=1');
    expect([code, stderr]).toEqual([0, '']);
    expect(Number(/of a logit .*: (\S+) by merging/.exec(stdout)![1])).toBeLessThan(1e-4);
    const { config, weights } = await openCheckpoint(merged);
    expect(config.quantization_config).toBeUndefined();
    expect([...weights.values()].every(({ kind }) => kind === 'file')).toBe(true);
  }, 60_000);

  test('with A and B in bf16 is another run, and leaves no file of them', async () => {
    const config = await psoft(...args, '--adapter-storage=bf16', ...out('rounded'));
    expect(config.code, config.stderr).toBe(0);
    const [one, other] = [await recordOf('straight'), await recordOf('rounded')];
    expect(other.runInfo.trainConfig).toEqual({ ...one.runInfo.trainConfig, adapterStorage: 'bf16' });
    expect(other.runInfo.configHash).not.toBe(one.runInfo.configHash);
    const loss = ({ trainInfo }: typeof one) => trainInfo.metrics[0]!.trainLoss!;
    expect(loss(other)).not.toBe(loss(one));
    expect(Math.abs(loss(other) - loss(one))).toBeLessThan(1e-3 * loss(one));
    expect(readdirSync(runOf('rounded'))).not.toContain('frozen.safetensors');
  }, 60_000);
});
