/**
 * The verdict on a sweep's folders, each with `results` and `runs` in it.
 *
 *   npx tsx packages/cli/bench/faults/check.ts FAULTY [UNDISTURBED] --runs=78
 */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { judge } from './verdict.ts';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { runs: { type: 'string' } } });
const [faulty, straight] = positionals;
if (faulty === undefined || values.runs === undefined)
  throw new Error('check.ts FAULTY [UNDISTURBED] --runs=N');
const places = (folder: string) => ({
  results: path.join(folder, 'results'),
  runs: path.join(folder, 'runs'),
});
const verdict = await judge(
  places(faulty),
  Number(values.runs),
  straight === undefined ? undefined : places(straight),
);
process.stdout.write(`${JSON.stringify(verdict, null, 1)}\n`);
if (verdict.problems.length > 0) process.exitCode = 1;
