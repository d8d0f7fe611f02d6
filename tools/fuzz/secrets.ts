/**
 * Looks for a token and a home folder in everything that commands write and say: npx tsx tools/fuzz/secrets.ts
 * Both are stand-ins; a run, a language model's run, an evaluation, predictions, a page, an export and three errors are made
 * with them. Exits with 1 where one is found.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { start } from '../../packages/cli/test/psoft.ts';

const TOKEN = 'hf_SENTINELtoken';
const HOME_NAME = 'SENTINELhome';

const folder = mkdtempSync(path.join(tmpdir(), 'psoft-secrets-'));
const home = path.join(folder, HOME_NAME);
const work = path.join(folder, 'work');
for (const one of [home, work]) mkdirSync(one);
const inWork = (name: string) => path.join(work, name);
writeFileSync(inWork('texts.csv'), 'sentence\nThe ship sails.\n');
writeFileSync(inWork('broken.tsv'), 'no\tcolumns\n');
const out = ['--results-dir', inWork('results'), '--runs-dir', inWork('runs')];

/** A hub that sends back what it got, the token too, and refuses. */
const hub = createServer((request, response) => {
  const said = `you sent ${request.headers.authorization}`;
  response
    .writeHead(403, { 'x-error-message': said, 'content-type': 'application/json' })
    .end(JSON.stringify({ error: said }));
});
await new Promise<void>((resolve) => hub.listen(0, '127.0.0.1', resolve));
const endpoint = `http://127.0.0.1:${(hub.address() as AddressInfo).port}`;

const found: string[] = [];
const look = (where: string, content: string | Buffer) => {
  for (const secret of [TOKEN, HOME_NAME]) if (content.includes(secret)) found.push(`${secret} in ${where}`);
};
const runFolder = (task: string): string => {
  const parent = inWork(`runs/tiny/${task}`);
  return path.join(parent, readdirSync(parent)[0]!);
};

const COMMANDS: readonly (readonly [fails: boolean, command: () => string[]])[] = [
  [false, () => ['train', 'nlu/cola', '--max-steps=2', '--rank=4', ...out]],
  [false, () => ['train', 'math/train', '--max-steps=1', ...out]],
  [false, () => ['evaluate', 'math/gsm8k', '--limit=2', ...out]],
  [
    false,
    () => ['predict', runFolder('nlu/cola'), '--input', inWork('texts.csv'), '--output', inWork('said.csv')],
  ],
  [false, () => ['results', 'report', '--results-dir', inWork('results'), '--out', inWork('report.html')]],
  [false, () => ['runs', 'export', '--results-dir', inWork('results'), '--out', inWork('all.json')]],
  [
    true,
    () => ['train', 'nlu/cola', '--learning-rate=1e38', '--head-learning-rate=1e38', '--rank=4', ...out],
  ],
  [true, () => ['train', 'nlu/cola', '--data-dir', inWork('broken.tsv'), ...out]],
  [true, () => ['train', 'nlu/cola', '--profile=paper', '--max-steps=1', ...out]],
];

try {
  for (const [fails, command] of COMMANDS) {
    const args = command();
    const { code, stdout, stderr } = await start(args, { HOME: home, HF_TOKEN: TOKEN, HF_ENDPOINT: endpoint })
      .outcome;
    const line = `psoft ${args.slice(0, 3).join(' ')}`;
    process.stdout.write(`${line}: exit code ${code}\n${stderr.trim().split('\n').at(-1)}\n`);
    if ((code !== 0) !== fails) throw new Error(`${line} was to ${fails ? 'fail' : 'end well'}: ${stderr}`);
    look(`what ${line} says`, stdout + stderr);
  }
  const files = readdirSync(work, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const entry of files) {
    const file = path.join(entry.parentPath ?? entry.path, entry.name);
    look(path.relative(work, file), readFileSync(file));
  }
  process.stdout.write(`${COMMANDS.length} commands, ${files.length} files: ${found.length} found\n`);
  for (const one of found) process.stdout.write(`${one}\n`);
  process.exitCode = found.length > 0 ? 1 : 0;
} finally {
  hub.close();
  rmSync(folder, { recursive: true });
}
