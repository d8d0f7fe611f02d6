/**
 * A fuzzing campaign over all readers of data from outside: npx tsx tools/fuzz/run.ts --inputs=100000 --seed=1
 *   --inputs=N     in all, shared out evenly over the targets. Default 100000
 *   --seed=N       default 1
 *   --targets=a,b  only those
 *   --workers=N    processes at once. Default 2
 *   --out=FOLDER   findings, states and the summary. Default runs/fuzz
 *   --resume       goes on where a campaign in that folder was broken off
 * Exits with 1 where an input ended as none should.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { runTarget, type TargetState } from './supervise.ts';
import { TARGETS } from './targets/index.ts';
import { summaryOf } from './summary.ts';

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    targets: { type: 'string' },
    workers: { type: 'string', default: '2' },
    out: { type: 'string', default: 'runs/fuzz' },
    resume: { type: 'boolean', default: false },
  },
});

const wanted = values.targets?.split(',') ?? TARGETS.map(({ name }) => name);
for (const name of wanted)
  if (!TARGETS.some((one) => one.name === name))
    throw new Error(`unknown target "${name}"; known: ${TARGETS.map((one) => one.name).join(', ')}`);
const out = path.resolve(values.out);
const each = Math.ceil(Number(values.inputs) / wanted.length);
if (!values.resume) rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

const states: TargetState[] = [];
const queue = wanted.map((name) => TARGETS.find((one) => one.name === name)!);
await Promise.all(
  Array.from({ length: Number(values.workers) }, async () => {
    for (let target = queue.shift(); target !== undefined; target = queue.shift()) {
      const file = path.join(out, `${target.name}.json`);
      const before = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as TargetState) : undefined;
      const state = await runTarget(target, {
        seed: Number(values.seed),
        count: each,
        folder: path.join(out, 'work', target.name),
        ...(before === undefined ? {} : { before }),
        onChange: (now) => writeFileSync(file, JSON.stringify(now, null, 1)),
        onFinding: (number, input) => {
          // A process may die while it is between two inputs.
          if (existsSync(input))
            cpSync(input, path.join(out, 'findings', target.name, String(number)), { recursive: true });
        },
        say: (line) => process.stderr.write(`${line}\n`),
      });
      states.push(state);
    }
  }),
);
rmSync(path.join(out, 'work'), { recursive: true, force: true });
process.stdout.write(
  `${summaryOf(
    states,
    TARGETS.map(({ name }) => name),
  )}\n`,
);
process.exitCode = states.some(({ findings }) => findings.length > 0) ? 1 : 0;
