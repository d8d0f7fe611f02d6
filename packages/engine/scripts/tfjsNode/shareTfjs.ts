/** Makes an added package use the engine's tfjs: two copies in one process do not know each other's tensors. */
import { readdirSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** tfjs-node also asks for this package, by a name that only npm's flat folders hold for it. */
const CORE = 'tfjs-core';

/** Found from wherever the folder is: the engine's tfjs some folders up, and the core that belongs to it. */
const SIGNPOST = `const tfjs = require.resolve('@tensorflow/tfjs');
module.exports = require(require.resolve('@tensorflow/${CORE}', { paths: [tfjs] }));
`;

/** Removes what npm installed of tfjs in `modules` beside tfjs-node, and leaves a signpost to the engine's. */
export async function shareTfjs(modules: string): Promise<void> {
  const scope = path.join(modules, '@tensorflow');
  for (const name of readdirSync(scope))
    if (!name.startsWith('tfjs-node')) await rm(path.join(scope, name), { recursive: true });
  const core = path.join(scope, CORE);
  await mkdir(core);
  await writeFile(path.join(core, 'package.json'), '{ "main": "index.js" }\n');
  await writeFile(path.join(core, 'index.js'), SIGNPOST);
}
