/** Sweeps under a Slurm that answers; tools/slurm/start.sh starts one. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { judge } from '../bench/faults/verdict.ts';
import { readJob } from '../src/sweep/state.ts';
import { psoft } from './psoft.ts';
import { sweepFolder } from './sweepFolder.ts';

const HAS_SLURM =
  spawnSync('sbatch', ['--version']).status === 0 && spawnSync('scontrol', ['ping']).status === 0;
const folder = mkdtempSync(path.join(tmpdir(), 'psoft-slurm-'));
afterAll(() => rmSync(folder, { recursive: true, maxRetries: 5 }));

describe.skipIf(!HAS_SLURM)(
  'under Slurm (skipped where none answers: tools/slurm/start.sh starts one)',
  () => {
    const { places, options, file: sweepFile } = sweepFolder(folder);
    const file = sweepFile('mine', [
      { name: 'PSOFT', method: 'psoft', set: { rank: 4, epochs: 20 } },
      { name: 'head', method: 'head', set: { epochs: 1 } },
    ]);
    const run = (name: string, ...more: string[]) =>
      psoft('sweep', 'run', file, '--launcher=slurm', '--memory=1GB', '--time=15', ...options(name), ...more);
    const sweep = (name: string) => {
      const root = path.join(places(name).runs, 'sweeps');
      return existsSync(root) ? path.join(root, readdirSync(root)[0]!) : undefined;
    };
    const arrayOf = (name: string) =>
      (JSON.parse(readFileSync(path.join(sweep(name)!, 'submissions.json'), 'utf8')) as { id: string }[]).at(
        -1,
      )!.id;
    /** PSOFT's job has made steps. */
    const trains = (name: string) =>
      expect
        .poll(
          () =>
            sweep(name) !== undefined &&
            readJob(sweep(name)!, 0).status === 'running' &&
            (readJob(sweep(name)!, 0).step ?? 0) > 1,
          {
            timeout: 120_000,
          },
        )
        .toBe(true);

    test('what is requeued goes on and ends as if it had not been; status and scripts say so', async () => {
      const submitted = await run('one');
      expect(submitted.code, submitted.stderr).toBe(0);
      expect(submitted.stderr).toMatch(/submitted 2 jobs as array \d+\n/);
      const script = readFileSync(path.join(sweep('one')!, 'slurm', '0.sh'), 'utf8');
      for (const option of ['--array=0-1', '--requeue', '--signal=B:USR1@120', '--mem=1000M', '--time=15'])
        expect(script).toContain(`#SBATCH ${option}\n`);
      await trains('one');
      const status = await psoft('sweep', 'status', 'nlu/mine', '--runs-dir', places('one').runs);
      expect(status.stdout).toMatch(/rte, PSOFT, seed 1 +running +step \d+ of 60, RUNNING on \S+, \d+_0/);
      execFileSync('scontrol', ['requeue', `${arrayOf('one')}_0`]);
      // Not submitted again, but waited for, and the table printed.
      const waited = await run('one', '--wait');
      expect(waited.code, waited.stderr).toBe(0);
      expect(waited.stderr).toMatch(/rte, PSOFT, seed 1: (PENDING|RUNNING|COMPLETING)/);
      expect(waited.stdout).toMatch(/^Two methods, profile tiny, seeds 1\n\nseries/);
      const undisturbed = await psoft('sweep', 'run', file, ...options('straight'));
      expect(undisturbed.code, undisturbed.stderr).toBe(0);
      const verdict = await judge(places('one'), 2, places('straight'));
      expect(verdict).toMatchObject({ records: 2, compared: 2, problems: [] });
      expect(verdict.continued).toBe(1);
    }, 600_000);

    test('what is cancelled has a checkpoint', async () => {
      expect((await run('two')).code).toBe(0);
      await trains('two');
      const cancelled = await psoft('sweep', 'cancel', 'nlu/mine', '--runs-dir', places('two').runs);
      expect(cancelled.stdout).toMatch(/cancelled \d jobs? of \d+; what was running has a checkpoint\n$/);
      await expect.poll(() => readJob(sweep('two')!, 0).status, { timeout: 60_000 }).toBe('stopped');
      const left = readdirSync(places('two').runs, { recursive: true }).map(String);
      expect(left.some((one) => /psoft-real-data-s1-\w+\/checkpoint\.safetensors$/.test(one))).toBe(true);
    }, 300_000);
  },
);
