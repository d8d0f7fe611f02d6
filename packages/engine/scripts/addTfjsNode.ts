/**
 * `npm run tfjs-node -- [--gpu] [--libtensorflow PATH]`: adds TensorFlow's own library as an executor, for this checkout
 * only. No file under version control changes, and ordinary installs know nothing of it.
 */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ADDED_FOLDER, TFJS_NODE } from '../src/run/tfjsNode.ts';
import { AddError, command } from './command.ts';
import { buildAddon } from './tfjsNode/addon.ts';
import { layOutLibrary } from './tfjsNode/library.ts';
import { shareTfjs } from './tfjsNode/shareTfjs.ts';

/** Headers of Node's stable interface, as a package. */
const NODE_HEADERS = 'node-api-headers@1.9.0';

const USAGE = `npm run tfjs-node -- [--gpu] [--libtensorflow PATH]
  --gpu                  @tensorflow/tfjs-node-gpu instead of @tensorflow/tfjs-node
  --libtensorflow PATH   a library that is here already, instead of the one that the package downloads: a Python wheel
                         of tensorflow from 2.12 on (pip download --no-deps tensorflow-cpu), an archive of libtensorflow
                         (.tar.gz), or a folder with what either holds; Linux, with a C++ compiler`;

async function add(isGpu: boolean, library: string | undefined): Promise<void> {
  const executor = isGpu ? 'eager-node-gpu' : 'eager-node';
  const { module, folder: name } = TFJS_NODE[executor];
  const tfjs = createRequire(import.meta.url)('@tensorflow/tfjs/package.json') as { version: string };
  const final = path.join(ADDED_FOLDER, name);
  const folder = `${final}.partial`;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  try {
    await writeFile(path.join(folder, 'package.json'), '{ "private": true }\n');
    const wanted = [`${module}@${tfjs.version}`, ...(library === undefined ? [] : [NODE_HEADERS])];
    const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
    // No install script runs but that of the package itself, below.
    command('npm', ['install', '--prefix', folder, '--ignore-scripts', ...quiet, ...wanted], { cwd: folder });
    await shareTfjs(path.join(folder, 'node_modules'));
    const added = path.join(folder, 'node_modules', module);
    if (library === undefined) runInstallScript(added);
    else {
      const libraries = await layOutLibrary(path.resolve(library), path.join(added, 'deps'));
      buildAddon(added, path.join(folder, 'node_modules', 'node-api-headers', 'include'), libraries);
    }
    const check = fileURLToPath(new URL('tfjsNode/check.ts', import.meta.url));
    // Without what a package manager adds to the search: later processes may not have it.
    const { NODE_PATH: _, ...env } = process.env;
    command(process.execPath, [...process.execArgv, check, added], { env });
    await rm(final, { recursive: true, force: true });
    await rename(folder, final);
    console.log(`added ${module} ${tfjs.version} in ${final}: --executor ${executor}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Downloads libtensorflow and a compiled native part, or compiles it. */
function runInstallScript(folder: string): void {
  const bin = path.join(folder, '..', '..', '.bin');
  const env = { ...process.env, PATH: `${bin}${path.delimiter}${process.env.PATH}` };
  const manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as {
    scripts: { install: string };
  };
  const [, script, ...args] = manifest.scripts.install.split(' ');
  if (!existsSync(path.join(folder, script!))) throw new AddError(`${folder} has no ${script}`);
  try {
    command(process.execPath, [script!, ...args], { cwd: folder, env });
  } catch (cause) {
    throw new AddError(
      `the package's install script failed (${(cause as Error).message}), as it does without network or where its ` +
        `archives are gone: give a library that you have\n\n${USAGE}`,
    );
  }
}

const { values } = parseArgs({
  options: { gpu: { type: 'boolean' }, libtensorflow: { type: 'string' }, help: { type: 'boolean' } },
});
if (values.help) console.log(USAGE);
else
  try {
    await add(values.gpu ?? false, values.libtensorflow);
  } catch (error) {
    if (!(error instanceof AddError)) throw error;
    console.error(`tfjs-node was not added: ${error.message}`);
    process.exitCode = 1;
  }
