/** Folders that `npm pack` and `npm publish` take: compiled code, data, and a package.json that points to them. */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ASSETS_FILE } from '../../packages/results/src/report/page/assets.ts';
import { bundleAssets } from '../../packages/results/src/report/page/bundle.ts';
import { compilePackages, filesBelow } from './compile.ts';
import { importProblems } from './imports.ts';
import { publishedManifest } from './manifest.ts';
import { type Manifest, OUT, ROOT, workspacePackages } from './workspace.ts';

/** One folder a package. */
export const STAGED = path.join(OUT, 'packages');

export interface StagedPackage {
  readonly folder: string;
  readonly manifest: Manifest;
}

/** What the command brings along, since it finds experiments in the workspace otherwise. */
const EXPERIMENTS = 'experiments';

/** @throws Error where the code does not compile, and where imports and dependencies do not fit each other */
export function stagePackages(): StagedPackage[] {
  const compiled = compilePackages();
  rmSync(STAGED, { recursive: true, force: true });
  const packages = workspacePackages();
  const versions = new Map(packages.map(({ manifest }) => [manifest.name, manifest.version]));
  const problems: string[] = [];
  const staged = packages.map(({ folderName, folder, manifest: source }) => {
    const target = path.join(STAGED, folderName);
    cpSync(path.join(compiled, folderName, 'src'), path.join(target, 'dist'), { recursive: true });
    if (folderName === 'results') writePageAssets(target);
    for (const name of ['LICENSE', 'NOTICE']) cpSync(path.join(ROOT, name), path.join(target, name));
    const manifest = publishedManifest(source, versions);
    for (const name of [...source.files!, 'README.md'])
      if (name !== 'dist' && name !== EXPERIMENTS) copyData(path.join(folder, name), path.join(target, name));
    if (source.files!.includes(EXPERIMENTS)) copyExperiments(path.join(target, EXPERIMENTS));
    for (const script of Object.values(manifest.bin ?? {})) writeScript(path.join(target, script));
    writeFileSync(path.join(target, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    const code = filesBelow(path.join(target, 'dist')).filter((file) => /\.(js|d\.ts)$/.test(file));
    problems.push(...importProblems(manifest, code));
    return { folder: target, manifest };
  });
  if (problems.length > 0) throw new Error(`imports and dependencies differ:\n${problems.join('\n')}`);
  return staged;
}

/** The page's script and style, which the sources make of TypeScript and CSS. */
function writePageAssets(target: string): void {
  const file = path.join(target, 'dist/report/page', ASSETS_FILE);
  writeFileSync(file, JSON.stringify(bundleAssets()));
}

function copyData(from: string, to: string): void {
  if (!existsSync(from)) throw new Error(`${path.relative(ROOT, from)} is missing: package.json lists it`);
  cpSync(from, to, { recursive: true });
}

/** The data of the experiments; their Nx targets and tests are the workspace's. */
function copyExperiments(to: string): void {
  const from = path.join(ROOT, EXPERIMENTS);
  for (const file of filesBelow(from)) {
    const place = path.relative(from, file);
    if (!/^[^/\\]+[/\\](experiment\.json|sweeps[/\\].*\.json)$/.test(place)) continue;
    mkdirSync(path.dirname(path.join(to, place)), { recursive: true });
    cpSync(file, path.join(to, place));
  }
}

/** The command from its compiled code; in the workspace it runs the sources. */
function writeScript(file: string): void {
  const source = readFileSync(path.join(ROOT, 'packages/cli/bin', path.basename(file)), 'utf8');
  if (!source.includes("import('../src/main.ts')"))
    throw new Error(`${path.basename(file)} no longer starts ../src/main.ts: see tools/packing/stage.ts`);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(
    file,
    "#!/usr/bin/env node\nimport { endWithReader, main } from '../dist/main.js';\n\nendWithReader();\nprocess.exitCode = await main(process.argv.slice(2));\n",
    { mode: 0o755 },
  );
}
