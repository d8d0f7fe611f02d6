/** Runs on WebGPU as a user starts them; on request, PSOFT_WEBGPU=all, for they take minutes on a processor. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readRecords } from '@psoft/results';
import { afterAll, describe, expect, test } from 'vitest';
import { ALL_OF_WEBGPU, inWebgpu, webgpuProblem } from '../../engine/test/webgpuAdapter.ts';
import { psoft, start } from './psoft.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'psoft-webgpu-'));
afterAll(() => rmSync(folder, { recursive: true, maxRetries: 5 }));

// On other systems this is not how drivers are found.
const isAsked = ALL_OF_WEBGPU && process.platform === 'linux';
test.skipIf(!isAsked)('without an adapter a run says what it needs and fails', async () => {
  const args = ['--results-dir', path.join(folder, 'none'), '--runs-dir', path.join(folder, 'none-runs')];
  // No such file: the loader finds no driver.
  const none = { VK_DRIVER_FILES: '/nowhere.json', VK_ICD_FILENAMES: '/nowhere.json' };
  const { outcome } = start(['train', 'nlu/rte', '--data-dir', glue(), '--executor=webgpu', ...args], none);
  const { code, stderr } = await outcome;
  expect(stderr).toMatch(/the device "webgpu" cannot be used: there is no WebGPU adapter/);
  expect(code).not.toBe(0);
});

const problem = ALL_OF_WEBGPU ? await webgpuProblem() : 'not asked for by PSOFT_WEBGPU=all';
describe.skipIf(problem !== undefined)(inWebgpu('WebGPU', problem), () => {
  test('losses are the CPU’s, and the record names executor and card', async () => {
    const records = [];
    for (const executor of ['cpu', 'webgpu']) {
      const args = [
        '--results-dir',
        path.join(folder, executor),
        '--runs-dir',
        path.join(folder, 'runs', executor),
      ];
      const run = ['train', 'nlu/rte', '--data-dir', glue(), `--executor=${executor}`, '--epochs=2', ...args];
      const { code, stderr } = await psoft(...run);
      expect(code, stderr).toBe(0);
      records.push((await readRecords(path.join(folder, executor))).records[0]!);
    }
    const [cpu, webgpu] = records as [(typeof records)[0], (typeof records)[0]];
    const losses = ({ trainInfo }: typeof cpu) => trainInfo.metrics.map(({ trainLoss }) => trainLoss);
    losses(cpu).forEach((loss, i) => {
      expect(Math.abs(losses(webgpu)[i]! - loss!)).toBeLessThan(1e-3);
    });
    const { executor, executionProvider, accelerator } = webgpu.metaInfo.systemInfo;
    expect([executor, executionProvider]).toEqual(['onnx', 'webgpu']);
    if (process.platform === 'linux') expect(accelerator, 'needs vulkaninfo').toMatch(/\w/);
  }, 600_000);
});

/** RTE in the official layout, of a few rows. */
function glue(): string {
  const root = path.join(folder, 'glue');
  mkdirSync(path.join(root, 'RTE'), { recursive: true });
  const write = (file: string, header: string, line: (i: number) => string, rows: number) =>
    writeFileSync(
      path.join(root, 'RTE', file),
      `${[header, ...Array.from({ length: rows }, (_, i) => line(i))].join('\n')}\n`,
    );
  const pair = (i: number) => `The sailor saw ship ${i}.\tThe ship ${i % 3} was seen.`;
  const labelled = (i: number) => `${i}\t${pair(i)}\t${i % 2 ? 'entailment' : 'not_entailment'}`;
  write('train.tsv', 'index\tsentence1\tsentence2\tlabel', labelled, 32);
  write('dev.tsv', 'index\tsentence1\tsentence2\tlabel', labelled, 8);
  write('test.tsv', 'index\tsentence1\tsentence2', (i) => `${i}\t${pair(i)}`, 2);
  return root;
}
