import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { etagOf, large, small } from './server.ts';
import { COMMIT, MODEL, useSetting } from './setting.ts';

const setting = useSetting();
const config = small('{"model_type":"tiny"}');
const weights = large(50_000);
const hostModel = () =>
  setting.hub.host('models/org/tiny', { 'config.json': config, 'onnx/model.safetensors': weights });

describe('a first download', () => {
  it('lays the files out as Python does: blobs, relative links, refs', async () => {
    hostModel();
    const progress: number[] = [];
    const snapshot = await setting.fetch(['config.json', 'onnx/model.safetensors'], {
      onProgress: ({ file, done, total }) => {
        expect(total).toBe(file === 'config.json' ? config.content.length : 50_000);
        if (file !== 'config.json') progress.push(done);
      },
    });
    expect(snapshot).toEqual({
      folder: path.join(setting.cache, 'snapshots', COMMIT),
      commit: COMMIT,
      files: ['config.json', 'onnx/model.safetensors'],
    });
    expect(setting.read(snapshot, 'config.json')).toEqual(config.content);
    expect(setting.read(snapshot, 'onnx/model.safetensors')).toEqual(weights.content);
    expect(readlinkSync(path.join(snapshot.folder, 'config.json'))).toBe(`../../blobs/${etagOf(config)}`);
    expect(readlinkSync(path.join(snapshot.folder, 'onnx/model.safetensors'))).toBe(
      `../../../blobs/${etagOf(weights)}`,
    );
    expect(readFileSync(path.join(setting.cache, 'refs/main'), 'utf8')).toBe(COMMIT);
    expect(readdirSync(setting.blobs).sort()).toEqual([etagOf(config), etagOf(weights)].sort());
    expect(readdirSync(path.join(setting.folder, 'hub/.locks/models--org--tiny'))).toEqual([]);
    // A compressed body could be neither measured nor resumed.
    for (const { url, headers } of setting.hub.requests)
      if (!url.startsWith('/api/')) expect(headers['accept-encoding']).toBe('identity');
    expect(progress[0]).toBe(0);
    expect(progress.at(-1)).toBe(50_000);
    expect(setting.notes).toEqual([]);
  });

  it('asks only for the commit when a branch has not moved, and for the new files when it has', async () => {
    hostModel();
    await setting.fetch(['config.json']);
    const before = setting.hub.requests.length;
    await setting.fetch(['config.json']);
    expect(setting.hub.log().slice(before)).toEqual(['GET hub /api/models/org/tiny/revision/main']);
    const next = 'd'.repeat(40);
    setting.hub.host('models/org/tiny', { 'config.json': small('{}') }, next);
    const snapshot = await setting.fetch(['config.json']);
    expect(snapshot.commit).toBe(next);
    expect(setting.read(snapshot, 'config.json').toString()).toBe('{}');
    expect(readFileSync(path.join(setting.cache, 'refs/main'), 'utf8')).toBe(next);
  });

  it('resolves tags and branches with a slash, and takes a commit as a pin without looking it up', async () => {
    hostModel().refs['refs/pr/1'] = COMMIT;
    await setting.fetch(['config.json'], {}, { ...MODEL, revision: 'refs/pr/1' });
    expect(readFileSync(path.join(setting.cache, 'refs/refs/pr/1'), 'utf8')).toBe(COMMIT);
    const before = setting.hub.requests.length;
    const pinned = await setting.fetch(['onnx/model.safetensors'], {}, { ...MODEL, revision: COMMIT });
    expect(pinned.commit).toBe(COMMIT);
    expect(
      setting.hub
        .log()
        .slice(before)
        .some((line) => line.includes('/revision/')),
    ).toBe(false);
    expect(existsSync(path.join(setting.cache, 'refs', COMMIT))).toBe(false);
  });

  it('downloads a blob once for two names and two commits', async () => {
    setting.hub.host('models/org/tiny', { 'a.bin': weights, 'b.bin': weights });
    await setting.fetch(['a.bin', 'b.bin']);
    setting.hub.host('models/org/tiny', { 'c.bin': weights }, 'd'.repeat(40));
    await setting.fetch(['c.bin']);
    expect(setting.hub.log().filter((line) => line.includes(' cdn '))).toHaveLength(1);
  });

  it('finds the files that a pattern matches, over several pages', async () => {
    const files = {
      'README.md': small('hello'),
      'cola/test-00000-of-00001.parquet': large(10, 2),
      'cola/train-00000-of-00002.parquet': large(20, 3),
      'cola/train-00001-of-00002.parquet': large(30, 4),
      'cola/deep/train.parquet': large(40, 5),
      'cola/notes.txt': small('x'),
      'sst2/train-00000-of-00001.parquet': large(50, 6),
    };
    setting.hub.host('datasets/org/glue', files);
    const repo = { type: 'dataset', name: 'org/glue' } as const;
    const snapshot = await setting.fetch(['cola/*.parquet', 'README.md'], {}, repo);
    expect(snapshot.files).toEqual([
      'cola/test-00000-of-00001.parquet',
      'cola/train-00000-of-00002.parquet',
      'cola/train-00001-of-00002.parquet',
      'README.md',
    ]);
    const all = await setting.fetch(['**/train*.parquet'], {}, repo);
    expect(all.files).toHaveLength(4);
    expect(await setting.failure(['mrpc/*.parquet'], {}, repo)).toMatch(/no such file or folder/);
    expect(await setting.failure(['cola/*.csv'], {}, repo)).toMatch(/no file matching "cola\/\*\.csv"/);
  });

  it('asks what a pattern matches even when a commit pins it, since a cache may hold a part', async () => {
    const parts = { 'a.parquet': large(10, 2), 'b.parquet': large(20, 3) };
    setting.hub.host('models/org/tiny', parts);
    const pinned = { ...MODEL, revision: COMMIT };
    await setting.fetch(['a.parquet'], {}, pinned);
    const snapshot = await setting.fetch(['*.parquet'], {}, pinned);
    expect(snapshot.files).toEqual(['a.parquet', 'b.parquet']);
  });

  it('does without an optional file and remembers that there is none', async () => {
    hostModel();
    const pinned = { ...MODEL, revision: COMMIT };
    const snapshot = await setting.fetch(['config.json'], { optional: ['vocab.txt', '*.model'] }, pinned);
    expect(snapshot.files).toEqual(['config.json']);
    expect(existsSync(path.join(setting.cache, '.no_exist', COMMIT, 'vocab.txt'))).toBe(true);
    const before = setting.hub.requests.length;
    await setting.fetch(['config.json'], { optional: ['vocab.txt'] }, pinned);
    expect(setting.hub.requests.length).toBe(before);
  });

  it('takes empty files', async () => {
    setting.hub.host('models/org/tiny', { empty: small('') });
    const snapshot = await setting.fetch(['empty']);
    expect(setting.read(snapshot, 'empty')).toHaveLength(0);
  });
});

/** What Python's huggingface_hub leaves behind. */
function pythonCache(): void {
  const blob = path.join(setting.blobs, etagOf(config));
  const snapshot = path.join(setting.cache, 'snapshots', COMMIT);
  mkdirSync(path.dirname(blob), { recursive: true });
  mkdirSync(snapshot, { recursive: true });
  mkdirSync(path.join(setting.cache, 'refs'));
  writeFileSync(blob, config.content);
  symlinkSync(`../../blobs/${etagOf(config)}`, path.join(snapshot, 'config.json'));
  writeFileSync(path.join(setting.cache, 'refs/main'), COMMIT);
}

describe('what is in the cache already', () => {
  it('is used without a request when a commit pins it', async () => {
    pythonCache();
    const snapshot = await setting.fetch(['config.json'], {}, { ...MODEL, revision: COMMIT });
    expect(setting.read(snapshot, 'config.json')).toEqual(config.content);
    expect(setting.hub.requests).toEqual([]);
  });

  it('is used with no request at all when offline, whichever variable says so', async () => {
    pythonCache();
    for (const [variable, value] of [
      ['HF_HUB_OFFLINE', '1'],
      ['TRANSFORMERS_OFFLINE', 'yes'],
      ['HF_DATASETS_OFFLINE', 'ON'],
    ] as const) {
      const environment = { ...setting.environment, [variable]: value };
      const snapshot = await setting.fetch(['config.json'], { environment, optional: ['vocab.txt'] });
      expect(snapshot).toMatchObject({ commit: COMMIT, files: ['config.json'] });
      expect(await setting.failure(['config.json', 'model.safetensors'], { environment })).toBe(
        `model "org/tiny": "model.safetensors" is not in the cache at ${setting.cache} and ${variable} forbids requests; unset ${variable} once to download, or run: hf download org/tiny --repo-type model --revision main`,
      );
      const other = { ...MODEL, revision: 'v2' };
      expect(await setting.failure(['config.json'], { environment }, other)).toMatch(
        /revision "v2" is not in/,
      );
    }
    expect(setting.hub.requests).toEqual([]);
    hostModel();
    const environment = { ...setting.environment, HF_HUB_OFFLINE: '0' };
    await setting.fetch(['config.json'], { environment });
    expect(setting.hub.requests).toHaveLength(1);
  });

  it('is not taken for a whole set when a shard is missing', async () => {
    const snapshot = path.join(setting.cache, 'snapshots', COMMIT);
    mkdirSync(snapshot, { recursive: true });
    writeFileSync(path.join(snapshot, 'train-00001-of-00003.parquet'), 'x');
    const environment = { ...setting.environment, HF_HUB_OFFLINE: '1' };
    const message = await setting.failure(['*.parquet'], { environment }, { ...MODEL, revision: COMMIT });
    expect(message).toContain('"train-00000-of-00003.parquet", "train-00002-of-00003.parquet" is not in');
  });

  it('serves when the Hub cannot be reached, and that is said', async () => {
    pythonCache();
    await setting.hub.stop();
    const { environment } = setting;
    const { host } = new URL(setting.hub.endpoint);
    const snapshot = await setting.fetch(['config.json'], { environment });
    expect(snapshot.commit).toBe(COMMIT);
    expect(setting.notes).toEqual([
      `model "org/tiny": ${host} cannot be reached; using the files of commit ${COMMIT} from the cache, which may be older than the Hub's`,
    ]);
    const message = await setting.failure(['other.json'], { environment, retries: 1 });
    expect(message).toBe(
      `looking up revision "main" of model "org/tiny" failed after 2 attempts, the last because ${host} cannot be reached (ECONNREFUSED) (HF_ENDPOINT is set to http://${host}); check the connection and run again, it goes on where it stopped`,
    );
    const behind = { ...environment, HTTPS_PROXY: 'http://proxy:3128' };
    expect(await setting.failure(['other.json'], { environment: behind, retries: 0 })).toMatch(
      /check the connection \(HTTPS_PROXY is set: Node uses it from 22.21 or 24 on, with NODE_USE_ENV_PROXY=1; hf/,
    );
  });

  it('may lie under its own name without a blob, as where links cannot be made', async () => {
    hostModel();
    const snapshot = path.join(setting.cache, 'snapshots', COMMIT);
    mkdirSync(snapshot, { recursive: true });
    writeFileSync(path.join(snapshot, 'config.json'), config.content);
    await setting.fetch(['config.json', 'onnx/model.safetensors']);
    expect(setting.hub.log().some((line) => line.endsWith('/config.json'))).toBe(false);
    expect(readdirSync(setting.blobs)).toEqual([etagOf(weights)]);
  });

  it('does not count when its link leads nowhere', async () => {
    hostModel();
    const snapshot = path.join(setting.cache, 'snapshots', COMMIT);
    mkdirSync(snapshot, { recursive: true });
    symlinkSync('../../blobs/gone', path.join(snapshot, 'config.json'));
    const fetched = await setting.fetch(['config.json'], {}, { ...MODEL, revision: COMMIT });
    expect(setting.read(fetched, 'config.json')).toEqual(config.content);
  });

  it('is replaced when a blob is not as long as it should be', async () => {
    hostModel();
    mkdirSync(setting.blobs, { recursive: true });
    writeFileSync(path.join(setting.blobs, etagOf(config)), 'short');
    const fetched = await setting.fetch(['config.json']);
    expect(setting.read(fetched, 'config.json')).toEqual(config.content);
  });
});

describe('names', () => {
  it('from the server never leave the snapshot folder', async () => {
    for (const name of ['data/../../../../evil', 'data//x', 'data/C:/x', 'data/a\\..\\b', 'data/./x']) {
      setting.hub.host('models/org/tiny', { [name]: small('evil') });
      expect(await setting.failure(['data/**'])).toBe(
        `model "org/tiny" holds a file named ${JSON.stringify(name)}, which would leave the snapshot folder; do not use this repository`,
      );
    }
    expect(existsSync(path.join(setting.folder, 'evil'))).toBe(false);
    expect(existsSync(setting.blobs)).toBe(false);
  });

  it('from the caller are checked before anything is asked', async () => {
    for (const name of ['../x', '/etc/passwd', 'a\\b', ''])
      expect(await setting.failure([name])).toMatch(/leave the snapshot/);
    for (const name of ['', 'a/b/c', '../x', 'a b', 'org/..', 'a--b/c', 'org/x/'])
      expect(await setting.failure(['x'], {}, { type: 'model', name })).toMatch(/is named "org\/name", got/);
    for (const revision of ['', '../main', 'a b', '/x'])
      expect(await setting.failure(['x'], {}, { ...MODEL, revision })).toMatch(/a revision is a branch/);
    expect(setting.hub.requests).toEqual([]);
  });

  it('of blobs must be sums', async () => {
    hostModel();
    setting.hub.inject(/paths-info/, ({ response }) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify([{ type: 'file', path: 'config.json', size: 3, oid: '../../../evil' }]));
    });
    expect(await setting.failure(['config.json'])).toMatch(
      /listed with sum "..\/..\/..\/evil" and size 3; expected/,
    );
  });

  it('of a commit must be one', async () => {
    setting.hub.host('models/org/tiny', {}, '../../evil');
    expect(await setting.failure(['config.json'])).toMatch(
      /expected a commit of 40 digits, got "..\/..\/evil"/,
    );
    expect(existsSync(setting.cache)).toBe(false);
  });
});

it('copies where links cannot be made', async () => {
  const { RepoCache } = await import('../../src/hub/cache.ts');
  pythonCache();
  const cache = new RepoCache(path.join(setting.folder, 'hub'), MODEL);
  const refused = async () => {
    throw Object.assign(new Error('no links'), { code: 'EPERM' });
  };
  await cache.link(COMMIT, 'copy.json', etagOf(config), refused);
  const copy = path.join(cache.snapshot(COMMIT), 'copy.json');
  expect(lstatSync(copy).isSymbolicLink()).toBe(false);
  expect(readFileSync(copy)).toEqual(config.content);
});
