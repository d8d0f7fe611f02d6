/** Reads one input again: npx tsx tools/fuzz/replay.ts TARGET FOLDER, the folder of a finding. Leaves the folder as it is. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { attempt } from './attempt.ts';
import { readInput, writeInput } from './files.ts';
import { TARGETS } from './targets/index.ts';

const [name, folder] = process.argv.slice(2);
const target = TARGETS.find((one) => one.name === name);
if (target === undefined || folder === undefined)
  throw new Error(`give a target and a folder; targets: ${TARGETS.map((one) => one.name).join(', ')}`);
const parent = await mkdtemp(path.join(tmpdir(), 'psoft-fuzz-'));
try {
  const files = await readInput(folder);
  const input = path.join(parent, 'input');
  await writeInput(input, files);
  const { message, fault, stack } = await attempt(target, input, files);
  process.stdout.write(`${fault === undefined ? 'as it should be' : fault}: ${message}\n${stack ?? ''}\n`);
} finally {
  await rm(parent, { recursive: true });
}
