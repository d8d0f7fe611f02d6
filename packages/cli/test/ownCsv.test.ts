/** The example of one's own table, as docs/own-csv.md shows it. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { generateSentiment } from '@psoft/datasets';
import { afterAll, expect, test, vi } from 'vitest';

/** Two processes that start and compile. */
vi.setConfig({ testTimeout: 240_000 });

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const EXAMPLE = path.join(ROOT, 'packages/cli/examples/ownCsv.ts');
const folder = mkdtempSync(path.join(tmpdir(), 'psoft-own-csv-'));
afterAll(() => rmSync(folder, { recursive: true }));
const place = (name: string) => path.join(folder, name);

async function run(...args: string[]): Promise<string[]> {
  const tsx = pathToFileURL(path.join(ROOT, 'node_modules/tsx/dist/loader.mjs')).href;
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', tsx, EXAMPLE, ...args], {
    cwd: ROOT,
    env: { ...process.env, HF_HUB_OFFLINE: '1' },
  });
  return stdout.trim().split('\n');
}

test('trains on a table, saves, and predicts in another process', async () => {
  const { train } = generateSentiment(1, { train: 160, dev: 2 });
  const names = ['bad', 'good'];
  const rows = train.examples.map(({ text, label }) => `"${text}",${names[label]}`);
  writeFileSync(place('reviews.csv'), `review,verdict\n${rows.join('\n')}\n`);
  const [parameters, ...lines] = await run(
    ...['--train', place('reviews.csv'), '--text', 'review', '--label', 'verdict'],
    ...['--out', place('own'), '--rank', '8', '--epochs', '2'],
  );
  expect(parameters).toMatch(/^trainable params: /);
  expect(lines).toEqual([
    expect.stringMatching(/^epoch 1: loss 0\.\d+, accuracy \d+\.\d on 32 rows$/),
    expect.stringMatching(/^epoch 2: loss 0\.\d+, accuracy \d+\.\d on 32 rows$/),
    `saved: ${place('own')}`,
  ]);
  expect(JSON.parse(readFileSync(place('own/labels.json'), 'utf8'))).toEqual(names);

  writeFileSync(place('new.csv'), 'review\nThis film is good.\nThis film is bad.\n');
  const said = await run('--predict', place('new.csv'), '--text', 'review', '--out', place('own'));
  expect(said).toEqual([
    expect.stringMatching(/^(bad|good)\t[01]\.\d{3}$/),
    expect.stringMatching(/^(bad|good)\t/),
  ]);
});
