/** What a release needs: packages that can be packed, licences, notices, a citation. `npm run pack:check` installs them. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { closure, readLock } from '../../../tools/notices/lock.ts';
import { collectNotices, noticesPage, refusedLicences } from '../../../tools/notices/notices.ts';
import { withJavaScriptImports } from '../../../tools/packing/compile.ts';
import { importedPackages } from '../../../tools/packing/imports.ts';
import { compiledTarget, publishedManifest } from '../../../tools/packing/manifest.ts';
import { ROOT, workspacePackages } from '../../../tools/packing/workspace.ts';

const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');
const packages = workspacePackages();
const versions = new Map(packages.map(({ manifest }) => [manifest.name, manifest.version]));

describe.each(packages.map((one) => [one.manifest.name, one] as const))('%s', (_, { folder, manifest }) => {
  const published = publishedManifest(manifest, versions) as Record<string, unknown>;

  test('has a version, a licence, a readme and the files that it lists', () => {
    expect(manifest.version).toBe(versions.get('psoft'));
    expect(manifest.license).toBe('Apache-2.0');
    expect(manifest.engines).toEqual({ node: '>=20' });
    for (const file of ['README.md', ...manifest.files!])
      if (file !== 'dist' && file !== 'experiments')
        expect(existsSync(path.join(folder, file)), `${file} of ${manifest.name}`).toBe(true);
  });

  test('is published as JavaScript, of exact versions, without what only sources need', () => {
    const text = JSON.stringify(published);
    expect(text).not.toMatch(/workspace:|\.ts"(?!:)(?<!\.d\.ts")|"tsx"|devDependencies|prepack/);
    for (const target of Object.values(manifest.exports ?? {}))
      expect(existsSync(path.join(folder, target)), target).toBe(true);
  });
});

test('packing sources as they are is refused, with what to do', () => {
  const folder = path.join(ROOT, 'packages/models');
  const pack = () =>
    execFileSync(process.execPath, ['../../tools/packing/refuse.mjs'], { cwd: folder, stdio: 'pipe' });
  expect(pack).toThrow(/npm run pack/);
});

describe('what is published', () => {
  test('exports point to compiled code and its declarations', () => {
    expect(compiledTarget('./src/run/config.ts')).toEqual({
      types: './dist/run/config.d.ts',
      default: './dist/run/config.js',
    });
    expect(compiledTarget('./schema/a.json')).toBe('./schema/a.json');
  });

  test('a workspace package that there is not is an error', () => {
    const manifest = { ...packages[0]!.manifest, dependencies: { '@psoft/none': 'workspace:*' } };
    expect(() => publishedManifest(manifest, versions)).toThrow('no package @psoft/none');
    expect(() => publishedManifest({ name: 'a', version: '1.0.0' }, versions)).toThrow('no "description"');
  });

  test('declarations import JavaScript', () => {
    const text = `export { a } from './a.ts';\nimport '../b.ts';\nlet c: import("./c.ts").C; // from "d.ts"`;
    expect(withJavaScriptImports(text)).toBe(
      `export { a } from './a.js';\nimport '../b.js';\nlet c: import("./c.js").C; // from "d.ts"`,
    );
  });

  test('packages are found in every form of import', () => {
    const code = `import a from 'a/b'; export * from "@c/d/e"; const f = await import('f');
      createRequire(import.meta.url)('g'); require('h/package.json'); import.meta.resolve('@i/j');
      import './own.js'; import fs from 'node:fs'; import k from 'own'; promisify(execFile)('git');`;
    expect([...importedPackages(code, 'own')].sort()).toEqual(['@c/d', '@i/j', 'a', 'f', 'g', 'h']);
  });
});

describe('third-party notices', () => {
  const notices = collectNotices(ROOT);

  test('are current', () => {
    expect(read('THIRD-PARTY-NOTICES.md'), 'run npm run notices').toBe(noticesPage(notices));
  });

  test('hold no licence that is not allowed', () => {
    expect(refusedLicences(notices)).toEqual([]);
    const refused = ['GPL-3.0', 'MIT AND GPL-3.0', 'MIT or, by system, GPL-3.0', 'UNLICENSED'];
    const named = refused.map((licence) => ({ name: licence, versions: ['1'], licence }));
    expect(refusedLicences(named)).toEqual(named);
    expect(refusedLicences([{ name: 'a', versions: ['1'], licence: '(GPL-3.0 OR MIT)' }])).toEqual([]);
  });

  test('hold what dependencies bring in, and no development tools', () => {
    const names = notices.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['onnxruntime-node', 'long', '@img/sharp-libvips-*']));
    expect(names).not.toContain('vitest');
  });

  test('lock files of another form are refused', () => {
    expect(() => readLock("lockfileVersion: '8.0'\n")).toThrow('version 9.0');
  });

  test('a lock file is read: aliases, peers, packages for one system', () => {
    const lock = readLock(`lockfileVersion: '9.0'
importers:
  packages/a:
    dependencies:
      b:
        specifier: 1.0.0
        version: 1.0.0(c@2.0.0)
      '@psoft/x':
        specifier: workspace:*
        version: link:../x
    devDependencies:
      tool:
        specifier: 1.0.0
        version: 1.0.0
packages:
  b@1.0.0:
    resolution: {integrity: a}
  only@1.0.0:
    os: [darwin]
snapshots:
  b@1.0.0(c@2.0.0):
    dependencies:
      alias: c@2.0.0
    optionalDependencies:
      only: 1.0.0
  c@2.0.0: {}
  only@1.0.0:
    dependencies:
      below: 1.0.0
  below@1.0.0: {}
  tool@1.0.0: {}
`);
    const found = closure(lock).map(({ name, isForPlatform }) => [name, isForPlatform]);
    expect(found).toEqual([
      ['b', false],
      ['c', false],
      ['only', true],
      ['below', true],
    ]);
  });
});

test('the citation names this version, the licence and the paper', () => {
  const citation = read('CITATION.cff');
  expect(citation).toContain(`version: ${versions.get('psoft')}\n`);
  expect(citation).toContain('license: Apache-2.0');
  expect(citation).toContain('https://arxiv.org/abs/2505.11235');
});
