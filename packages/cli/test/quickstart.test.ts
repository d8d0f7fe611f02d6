/** The example of a language model, offline: a tiny OPT and texts of our own. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { generateSentiment } from '@psoft/datasets';
import { afterAll, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const EXAMPLE = path.join(ROOT, 'packages/cli/examples/quickstart.ts');
const MODEL = path.join(ROOT, 'packages/tiny-models/checkpoints/opt-tiny');
const folder = mkdtempSync(path.join(tmpdir(), 'psoft-quickstart-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('adapts, trains, generates, saves and loads', async () => {
  const texts = path.join(folder, 'texts.txt');
  const { train } = generateSentiment(1, { train: 120, dev: 2 });
  writeFileSync(texts, train.examples.map(({ text }) => text).join('\n'));
  const out = path.join(folder, 'adapter');
  const tsx = pathToFileURL(path.join(ROOT, 'node_modules/tsx/dist/loader.mjs')).href;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', tsx, EXAMPLE, MODEL, texts, out],
    // Nothing may be fetched.
    { cwd: ROOT, env: { ...process.env, HF_HUB_OFFLINE: '1' } },
  );
  const lines = stdout.trim().split('\n');
  const restOf = (name: string) => lines.find((line) => line.startsWith(name))!.slice(name.length);
  // 12 adapted layers of r(r-1)/2 + 2r.
  expect(lines[0]).toMatch(/^trainable params: 6,720 \|\|/);
  const losses = [1, 2, 3].map((epoch) => Number(restOf(`epoch ${epoch}: loss `)));
  expect(losses[2]).toBeLessThan(0.8 * losses[0]!);
  // Before, it speaks as Moby-Dick does; after, as the texts, in which sentences like these stand.
  expect(restOf('before:')).not.toMatch(/ (is|was|with) /);
  expect(restOf('after:')).toMatch(/ (is|was|with) /);
  expect(restOf('loaded:')).toBe(restOf('after:'));
  const config = JSON.parse(readFileSync(path.join(out, 'adapter_config.json'), 'utf8'));
  expect(config).toMatchObject({ peft_type: 'PSOFT', r: 32, task_type: 'CAUSAL_LM' });
});
