/**
 * `npm run pack:check`: packs every package, installs the tarballs into an empty project as a user would, and runs what a
 * user would run first. Needs the registry or npm's cache for the dependencies; takes a minute or two.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { packAll } from './pack.ts';
import { ROOT } from './workspace.ts';

const SMOKE = `
import { getPeftModel, PeftModel, PsoftConfig } from '@psoft/adapter';
import { openCheckpoint } from '@psoft/engine';
import { initialiseHeads, modelFor } from '@psoft/models';
import { checkpointFolder } from '@psoft/tiny-models';
import { printedTable } from './printed.mjs';

const { config, weights } = await openCheckpoint(checkpointFolder('deberta-tiny'));
const heads = initialiseHeads('sequence-classification', config, weights, 1);
const model = modelFor('sequence-classification', config, new Map([...weights, ...heads]));
const adapted = await getPeftModel(model, new PsoftConfig({ r: 8, targetModules: 'all-linear', taskType: 'SEQ_CLS' }));
adapted.printTrainableParameters();
await adapted.savePretrained('adapter');
(await PeftModel.fromPretrained(model, 'adapter')).printTrainableParameters();
console.log(printedTable);
`;

/** Data that lies beside the code must be found from there, too. */
const PRINTED = `
import { readPaper } from '@psoft/results/paper';
export const printedTable = \`rows of Table 2: \${(await readPaper()).table2_glue.length}\`;
`;

/** A consumer's own program is checked against the published declarations, none skipped. */
const CONSUMER = `
import { PsoftConfig, type AdapterConfig } from '@psoft/adapter';
import { AutoModelForCausalLM, SftTrainer } from '@psoft/training/quick';
export const config: AdapterConfig = new PsoftConfig({ r: 8, targetModules: 'all-linear' });
export const trainer = SftTrainer;
export const load: (folder: string) => Promise<unknown> = AutoModelForCausalLM.fromPretrained;
`;

const CONSUMER_CONFIG = {
  compilerOptions: {
    module: 'NodeNext',
    target: 'ES2022',
    lib: ['ES2023', 'DOM'],
    strict: true,
    noEmit: true,
    types: ['node'],
    typeRoots: [path.join(ROOT, 'node_modules/@types')],
    // Of dependencies of ours, over which we have no power; ours are read through the imports.
    skipLibCheck: true,
  },
  files: ['consumer.ts'],
};

const folder = mkdtempSync(path.join(tmpdir(), 'psoft-pack-'));
try {
  const tarballs = packAll();
  const write = (name: string, text: string) => writeFileSync(path.join(folder, name), text);
  write('package.json', JSON.stringify({ name: 'consumer', private: true, type: 'module' }));
  write('smoke.mjs', SMOKE);
  write('printed.mjs', PRINTED);
  write('consumer.ts', CONSUMER);
  write('tsconfig.json', JSON.stringify(CONSUMER_CONFIG));
  const files = tarballs.map(({ file }) => file);
  run('npm', ['install', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', ...files]);
  const smoke = run(process.execPath, ['smoke.mjs']);
  expect(smoke, /^trainable params: 38,?[\d,]* \|\|.*\ntrainable params: .*\nrows of Table 2: \d+\n$/);
  const psoft = (...args: string[]) => run('npx', ['--no-install', 'psoft', ...args]);
  expect(psoft('methods'), /^psoft\b/m);
  expect(psoft('tasks'), /nlu\/cola/);
  // The whole path: a child process, the model and the experiments that came along, a record in this folder.
  expect(psoft('train', 'nlu/cola', '--max-steps=2', '--threads=1'), /record: {2}results/);
  // Its script and style were bundled when the package was made.
  psoft('results', 'report', '--out=page.html');
  expect(readFileSync(path.join(folder, 'page.html'), 'utf8'), /psoft-s1-[\s\S]*<script>/);
  run(process.execPath, [path.join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.json']);
  process.stdout.write(`installed and used: ${tarballs.map(({ name }) => name).join(', ')}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function run(command: string, args: readonly string[]): string {
  process.stderr.write(`${path.basename(command)} ${args.map((arg) => path.basename(arg)).join(' ')}\n`);
  return execFileSync(command, args, {
    cwd: folder,
    encoding: 'utf8',
    shell: process.platform === 'win32',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

function expect(said: string, wanted: RegExp): void {
  if (!wanted.test(said)) throw new Error(`expected ${wanted}, got:\n${said.slice(0, 2000)}`);
}
