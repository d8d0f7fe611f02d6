/**
 * `npm run pack:bundle -- OUT.tar`: the command, its packages, the node binary and ONNX Runtime with its CUDA provider in one
 * archive, for a Linux machine without a network. Installs the packed tarballs, so that it needs the registry or npm's cache.
 */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import {
  missingProviderFiles,
  PROVIDER_FILES,
  providerLibraries,
  runtimePackage,
} from '../../packages/engine/src/devices/index.ts';
import { packAll } from './pack.ts';

const USAGE = `npm run pack:bundle -- OUT.tar [--libraries] [--no-cuda]
  OUT.tar       compressed where it ends in .tar.gz or .tar.xz
  --libraries   with NVIDIA's own libraries, too (some 2 GB), for a machine that has a driver and nothing else
  --no-cuda     without the CUDA provider: for a machine that computes on its processor`;

/** NVIDIA's libraries come beside it, or from LD_LIBRARY_PATH. */
const LAUNCHER = `#!/bin/sh
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
export LD_LIBRARY_PATH="$here/lib\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
exec "$here/node" "$here/node_modules/psoft/bin/psoft.mjs" "$@"
`;

function bundle(out: string, { hasCuda, hasLibraries }: { hasCuda: boolean; hasLibraries: boolean }): void {
  if (process.platform !== 'linux') throw new Error('a bundle is made on Linux, for machines like this one');
  const runtime = runtimePackage();
  if (hasCuda && missingProviderFiles(runtime).length > 0)
    throw new Error('the CUDA provider is not here: npm run cuda first, or --no-cuda');
  const folder = mkdtempSync(path.join(tmpdir(), 'psoft-bundle-'));
  try {
    const tarballs = packAll().map(({ file }) => file);
    writeFileSync(path.join(folder, 'package.json'), '{ "private": true }\n');
    execFileSync(
      'npm',
      [
        'install',
        '--omit=dev',
        '--ignore-scripts',
        '--prefer-offline',
        '--no-audit',
        '--no-fund',
        ...tarballs,
      ],
      { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] },
    );
    const installed = runtimePackage(path.join(folder, 'node_modules', 'psoft', 'package.json'));
    keepOnlyThisPlatform(path.join(installed.folder, 'bin'));
    if (hasCuda)
      for (const name of PROVIDER_FILES)
        cpSync(path.join(runtime.libraries!, name), path.join(installed.libraries!, name));
    mkdirSync(path.join(folder, 'lib'));
    if (hasLibraries)
      copyLibraries(path.join(runtime.libraries!, PROVIDER_FILES[0]), path.join(folder, 'lib'));
    cpSync(realpathSync(process.execPath), path.join(folder, 'node'));
    writeFileSync(path.join(folder, 'psoft'), LAUNCHER, { mode: 0o755 });
    execFileSync('tar', ['-caf', path.resolve(out), '-C', folder, '.'], { stdio: 'inherit' });
    const megabytes = (statSync(out).size / 1e6).toFixed(0);
    console.log(
      `${out}: ${megabytes} MB. There: mkdir psoft && tar -xf ${path.basename(out)} -C psoft && psoft/psoft doctor`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** onnxruntime-node carries libraries of five platforms. */
function keepOnlyThisPlatform(bin: string): void {
  for (const version of readdirSync(bin))
    for (const platform of readdirSync(path.join(bin, version)))
      for (const architecture of readdirSync(path.join(bin, version, platform)))
        if (platform !== process.platform || architecture !== process.arch)
          rmSync(path.join(bin, version, platform, architecture), { recursive: true });
}

/** Each with its neighbours of the same product, which it opens by itself; not the driver's, which fits one machine only. */
function copyLibraries(provider: string, target: string): void {
  for (const { name, file, remedy } of providerLibraries(provider).libraries) {
    if (name.startsWith('libcuda.so')) continue;
    if (file === undefined) throw new Error(`${name} is not here: ${remedy}`);
    const product = /^lib[a-z]+/i.exec(name)![0].replace(/Lt$/, '');
    for (const one of readdirSync(path.dirname(file)))
      if (one.startsWith(product) && one.includes('.so.') && !existsSync(path.join(target, one)))
        cpSync(realpathSync(path.join(path.dirname(file), one)), path.join(target, one));
  }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    libraries: { type: 'boolean', default: false },
    'no-cuda': { type: 'boolean', default: false },
    help: { type: 'boolean' },
  },
});
const [out] = positionals;
if (values.help || out === undefined) {
  console.log(USAGE);
  process.exitCode = values.help ? 0 : 1;
} else
  try {
    bundle(out, { hasCuda: !values['no-cuda'], hasLibraries: values.libraries });
  } catch (error) {
    console.error(`no bundle was made: ${(error as Error).message}`);
    process.exitCode = 1;
  }
