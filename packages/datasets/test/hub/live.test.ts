/**
 * The real Hub, asked only when told to: PSOFT_HUB=1 vitest run packages/datasets/test/hub/live.test.ts
 * (about 1 MB into a folder that is removed again).
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fetchSnapshot } from '../../src/hub/snapshot.ts';
import { readParquetRows } from '../../src/parquet.ts';

describe.skipIf(process.env.PSOFT_HUB !== '1')('the real Hub', () => {
  let folder = '';
  let environment: NodeJS.ProcessEnv = {};
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'hub-live-'));
    environment = { ...process.env, HF_HUB_CACHE: folder };
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('gives a small file of a model and none that is not there', async () => {
    const repo = { type: 'model', name: 'microsoft/deberta-v3-base' } as const;
    const options = { files: ['config.json'], optional: ['no-such-file.json'], environment };
    const snapshot = await fetchSnapshot(repo, options);
    expect(snapshot.files).toEqual(['config.json']);
    const config = JSON.parse(readFileSync(path.join(snapshot.folder, 'config.json'), 'utf8'));
    expect(config.model_type).toBe('deberta-v2');
    await expect(fetchSnapshot(repo, { files: ['no-such-file.json'], environment })).rejects.toThrow(
      /has no file/,
    );
  });

  it('gives the shards of a data set, whose rows are as many as its card says', async () => {
    const repo = { type: 'dataset', name: 'nyu-mll/glue' } as const;
    const snapshot = await fetchSnapshot(repo, { files: ['cola/*.parquet'], environment });
    const rowsOf = async (split: string) => {
      const files = snapshot.files.filter((file) => file.startsWith(`cola/${split}-`));
      const rows = await readParquetRows(
        files.map((file) => path.join(snapshot.folder, file)),
        ['sentence', 'label', 'idx'],
      );
      return rows.length;
    };
    expect([await rowsOf('train'), await rowsOf('validation'), await rowsOf('test')]).toEqual([
      8551, 1043, 1063,
    ]);
  });

  it('tells a repository that is not there', async () => {
    const repo = { type: 'model', name: 'microsoft/no-such-model-of-ours' } as const;
    await expect(fetchSnapshot(repo, { files: ['x'], environment })).rejects.toThrow(
      /needs a token|is not on the Hub/,
    );
  });
});
