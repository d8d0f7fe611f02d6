/** Compiles the native part of tfjs-node. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { AddError, command } from '../command.ts';

/** The newest version of Node's stable interface that tfjs-node 4.22 looks for; any later Node offers it. */
const NAPI_VERSION = 8;

/**
 * Two C++ files against the C interface of TensorFlow and the stable one of Node: a compiler call does what node-gyp
 * would, without Python and without headers of this very Node.
 * @param folder of the package, with the library in `deps`
 * @param headers folder of `node_api.h`
 * @param libraries names in `deps/lib`
 * @throws AddError without a C++ compiler, or if it fails
 */
export function buildAddon(folder: string, headers: string, libraries: readonly string[]): void {
  if (process.platform !== 'linux')
    throw new AddError(`--libtensorflow builds on Linux only, this is ${process.platform}`);
  const target = path.join('lib', `napi-v${NAPI_VERSION}`);
  mkdirSync(path.join(folder, target), { recursive: true });
  command(
    process.env.CXX ?? 'c++',
    [
      ...['-std=c++17', '-O2', '-fPIC', '-shared', `-DNAPI_VERSION=${NAPI_VERSION}`],
      ...[`-I${headers}`, '-Ideps/include'],
      ...['binding/tfjs_backend.cc', 'binding/tfjs_binding.cc'],
      ...['-o', path.join(target, 'tfjs_binding.node')],
      ...['-Ldeps/lib', ...libraries.map((name) => `-l:${name}`)],
      // Relative to itself, so that the folder may be moved or copied to another machine.
      '-Wl,-rpath,$ORIGIN/../../deps/lib',
    ],
    { cwd: folder },
  );
}
