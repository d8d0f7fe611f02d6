import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { sampleRecord } from '../test/records.ts';
import { collectEnvironment, peakMemoryBytes, readCodeInfo, readPackageVersions } from './environment.ts';
import { checkRecord } from './schema.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'psoft-environment-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

const workspace = fileURLToPath(new URL('../../../', import.meta.url));

describe('collectEnvironment', () => {
  it('fits a record', async () => {
    const execution = { executor: 'onnx', executionProvider: 'cpu', threads: 2 };
    const environment = await collectEnvironment(workspace, execution);
    const record = sampleRecord();
    expect(() => checkRecord({ ...record, metaInfo: { ...record.metaInfo, ...environment } })).not.toThrow();
    expect(environment.systemInfo).toMatchObject({
      ...execution,
      node: process.versions.node,
      os: process.platform,
    });
    expect(environment.packageInfo.vega).toBe('6.2.0');
  });
});

describe('readCodeInfo', () => {
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', folder, '-c', 'user.name=a', '-c', 'user.email=a@b.c', ...args], {
      encoding: 'utf8',
    }).trim();

  it('gives commit and state; records below results/ do not make it dirty', async () => {
    git('init', '--quiet');
    expect(await readCodeInfo(folder)).toBeUndefined();
    writeFileSync(path.join(folder, 'a.ts'), '1');
    git('add', '.');
    git('commit', '--quiet', '-m', 'first');
    mkdirSync(path.join(folder, 'results', 'tiny'), { recursive: true });
    writeFileSync(path.join(folder, 'results', 'tiny', 'a.json'), '{}');
    const commit = git('rev-parse', 'HEAD');
    expect(await readCodeInfo(folder)).toEqual({ commit, isDirty: false });
    // From a folder inside, the whole tree counts.
    expect(await readCodeInfo(path.join(folder, 'results'))).toEqual({ commit, isDirty: false });
    writeFileSync(path.join(folder, 'b.ts'), '2');
    expect(await readCodeInfo(path.join(folder, 'results'))).toEqual({ commit, isDirty: true });
    rmSync(path.join(folder, 'b.ts'));
    writeFileSync(path.join(folder, 'a.ts'), '2');
    expect(await readCodeInfo(folder)).toEqual({ commit, isDirty: true });
  });

  it('is not that of a repository in which the package is only installed', async () => {
    git('init', '--quiet');
    git('commit', '--quiet', '--allow-empty', '-m', 'first');
    const installed = path.join(folder, 'node_modules', '@psoft', 'training');
    mkdirSync(installed, { recursive: true });
    expect(await readCodeInfo(folder)).toBeDefined();
    expect(await readCodeInfo(installed)).toBeUndefined();
  });

  it('is absent outside a repository and without git', async () => {
    expect(await readCodeInfo(folder)).toBeUndefined();
    git('init', '--quiet');
    git('commit', '--quiet', '--allow-empty', '-m', 'first');
    expect(await readCodeInfo(folder)).toBeDefined();
    vi.stubEnv('PATH', folder);
    expect(await readCodeInfo(folder)).toBeUndefined();
  });
});

describe('readPackageVersions', () => {
  const install = (place: string, version: string) => {
    mkdirSync(path.join(folder, place), { recursive: true });
    writeFileSync(path.join(folder, place, 'package.json'), JSON.stringify({ version }));
  };

  it('reads what is installed for the root and its packages, wherever it lies', () => {
    const manifest = { dependencies: { a: '^1.0.0', '@s/b': '*' }, optionalDependencies: { absent: '*' } };
    for (const name of ['one', 'two']) {
      mkdirSync(path.join(folder, 'packages', name), { recursive: true });
      writeFileSync(path.join(folder, 'packages', name, 'package.json'), JSON.stringify(manifest));
    }
    install('node_modules/a', '1.2.3');
    install('packages/two/node_modules/a', '1.4.0');
    install('node_modules/@s/b', '0.1.0');
    expect(readPackageVersions(folder)).toEqual({ '@s/b': '0.1.0', a: '1.2.3, 1.4.0' });
  });

  it('of an installed package, those of its brothers too', () => {
    const depend = (name: string, dependencies: Record<string, string>) => {
      const place = path.join(folder, 'node_modules', '@psoft', name);
      mkdirSync(place, { recursive: true });
      writeFileSync(path.join(place, 'package.json'), JSON.stringify({ version: '0.1.0', dependencies }));
      return place;
    };
    const training = depend('training', { '@psoft/engine': '0.1.0' });
    depend('engine', { ort: '1.0.0', '@psoft/training': '0.1.0' });
    install('node_modules/ort', '1.0.0');
    expect(readPackageVersions(training)).toEqual({
      '@psoft/engine': '0.1.0',
      '@psoft/training': '0.1.0',
      ort: '1.0.0',
    });
  });
});

describe('peakMemoryBytes', () => {
  it('grows with what the process touches, and not with what its parent did', () => {
    const before = peakMemoryBytes();
    const block = Buffer.alloc(300e6, 1);
    expect(peakMemoryBytes() - before).toBeGreaterThan(100e6);
    const script = `import { peakMemoryBytes } from './environment.ts'; console.log(peakMemoryBytes());`;
    const child = execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      cwd: path.dirname(fileURLToPath(import.meta.url)),
      encoding: 'utf8',
    });
    expect(Number(child)).toBeGreaterThan(10e6);
    expect(Number(child)).toBeLessThan(block.length);
  });
});
