/** Options of `psoft sweep`, and what they mean. */

import os from 'node:os';
import { nvidiaCards } from '@psoft/engine/devices';
import { ConfigError } from '@psoft/training/config';
import { availableMemory } from '@psoft/training/memory';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { kubernetesLauncher } from '../../launch/kubernetes.ts';
import type { Launcher } from '../../launch/launcher.ts';
import { localLauncher } from '../../launch/local.ts';
import type { PoolLimits } from '../../launch/pool.ts';
import { slurmLauncher } from '../../launch/slurm.ts';
import type { SweepOptionValues } from '../../sweep/planned.ts';
import { nameList, positiveNumber, wholeNumber } from '../numbers.ts';
import { addPlanOptions, addTableOptions } from '../planOptions.ts';
import { collect } from '../train.ts';

export interface LaunchOptionValues {
  readonly launcher: 'local' | 'slurm' | 'kubernetes';
  readonly jobs?: number;
  readonly memory?: number;
  readonly gpus?: readonly string[];
  readonly time?: number;
  readonly sbatch: readonly string[];
  readonly wait?: boolean;
  readonly image?: string;
  readonly claim?: string;
  readonly manifest?: string;
  readonly attempts: number;
  readonly hangMinutes: number;
}

export function addTargetOptions(command: Command): Command {
  return addPlanOptions(
    addTableOptions(
      command.argument(
        '<sweep>',
        'EXPERIMENT/SWEEP or EXPERIMENT/TABLE, for example commonsense/table18 or nlu/table2, or the path of a .json file',
      ),
    ),
  );
}

export function addLaunchOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--launcher <name>', 'where the runs are run')
        .choices(['local', 'slurm', 'kubernetes'])
        .default('local'),
    )
    .option('--jobs <n>', 'runs at once (default: one, or one a GPU)', wholeNumber)
    .option(
      '--memory <size>',
      'of all runs together, with slurm and kubernetes of each; as 12GB (default: what is free, what is expected)',
      byteCount,
    )
    .option('--time <minutes>', 'slurm: of each run (default: twice what is expected)', positiveNumber)
    .option(
      '--sbatch <option>',
      'slurm: one more option of sbatch, as --sbatch=--partition=gpu; may be repeated',
      collect,
      [],
    )
    .option('--wait', 'slurm: wait for the end, begin again what was lost, and print the table')
    .option('--image <name>', 'kubernetes: an image whose working folder is this project, installed')
    .option('--claim <name>', 'kubernetes: of a volume that all pods may write to, for records and runs')
    .option('--manifest <file>', 'kubernetes: where it goes, as JSON')
    .option(
      '--gpus <list>',
      'for --executor=cuda: which, one a run (default: all that are visible)',
      nameList,
    )
    .option('--attempts <n>', 'how often a run is begun whose process dies or hangs', wholeNumber, 3)
    .option('--hang-minutes <n>', 'a run that gets no further for so long is ended', hangMinutes, 30);
}

/** Timers count milliseconds in 31 bits. */
function hangMinutes(text: string): number {
  const minutes = positiveNumber(text);
  if (minutes > 20_000) throw new InvalidArgumentError('It must be at most 20000, two weeks.');
  return minutes;
}

/** "12GB", "800 MB": powers of ten. */
export function byteCount(text: string): number {
  const [, number, unit = ''] = /^([\d.]+)\s*([kMGT]?)i?B?$/i.exec(text.trim()) ?? [];
  const value = Number(number) * 1000 ** (1 + 'kMGT'.toLowerCase().indexOf(unit.toLowerCase() || '-'));
  if (number === undefined || !(value > 0))
    throw new InvalidArgumentError('It must be a number of bytes, as 12GB or 800MB.');
  return value;
}

/** How many workers there may be on this machine, and with what. */
export async function poolLimits(options: SweepOptionValues & LaunchOptionValues): Promise<PoolLimits> {
  const gpus = options.executor === 'cuda' ? gpusOf(options) : undefined;
  const jobs = options.jobs ?? gpus?.length ?? 1;
  if (jobs < 1) throw new ConfigError('--jobs must be at least 1');
  return {
    jobs,
    memoryBytes: options.memory ?? (await availableMemory()),
    ...(gpus === undefined ? {} : { gpus }),
  };
}

/** Cores are shared out evenly, unless it is said how many threads a run has. */
export function threadsFor(
  { threads }: Pick<SweepOptionValues, 'threads'>,
  jobs: number,
): number | undefined {
  if (threads !== undefined || jobs === 1) return threads;
  return Math.max(1, Math.floor(os.availableParallelism() / jobs));
}

function gpusOf({ gpus }: LaunchOptionValues): readonly string[] {
  if (gpus !== undefined) return gpus;
  const visible = process.env.CUDA_VISIBLE_DEVICES;
  if (visible !== undefined && visible !== '') return visible.split(',');
  const found = nvidiaCards().map((_, i) => String(i));
  if (found.length > 0) return found;
  throw new ConfigError('--executor=cuda: no GPU was found by nvidia-smi; say which with --gpus=0,1');
}

/** The launcher that is asked for, and how many threads each run has with it. */
export async function launcherOf(
  options: SweepOptionValues & LaunchOptionValues,
): Promise<{ readonly launcher: Launcher; readonly threads: number | undefined }> {
  if (options.launcher === 'slurm') {
    const threads = options.threads ?? 1;
    return { launcher: slurmLauncher({ ...options, threads }), threads };
  }
  if (options.launcher === 'kubernetes') {
    const threads = options.threads ?? 1;
    return { launcher: kubernetesLauncher({ ...options, threads }, options.manifest), threads };
  }
  const limits = await poolLimits(options);
  return { launcher: localLauncher(limits), threads: threadsFor(options, limits.jobs) };
}
