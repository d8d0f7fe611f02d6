import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Prunable } from '@psoft/results/runs';
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { addPlaceOptions, fromHere, type PlaceOptions } from './options.ts';

interface Options extends PlaceOptions {
  readonly olderThan: number;
  readonly yes?: boolean;
}

const HOUR = 3_600_000;

export function addPruneCommand(runs: Command): void {
  addPlaceOptions(runs.command('prune'))
    .description(
      'List what no longer serves: records that another replaces, runs that failed or were stopped, folders of runs without a record. A completed record goes only where the same run’s record is in its place. Removes nothing without --yes.',
    )
    .option('--older-than <hours>', 'folders of runs that changed later may be at work and stay', hours, 24)
    .option('--yes', 'remove what is listed')
    .action(async ({ resultsDir, runsDir, olderThan, yes }: Options) => {
      const { planPrune, prune } = await import('@psoft/results/runs');
      const plan = await planPrune({
        resultsFolder: path.resolve(resultsDir),
        runsFolder: path.resolve(runsDir),
        changedBefore: Date.now() - olderThan * HOUR,
      });
      for (const line of plan.unread) process.stderr.write(`stays, as it cannot be read: ${line}\n`);
      for (const { path: kept, reason } of plan.kept)
        process.stderr.write(`stays: ${fromHere(kept)}: ${reason}\n`);
      if (plan.items.length === 0) {
        process.stdout.write('nothing to prune\n');
        return;
      }
      if (!yes) {
        process.stdout.write(
          `${plan.items.map(describe).join('\n')}\n${total(plan.items)}; --yes removes them\n`,
        );
        return;
      }
      const removed = await prune(plan);
      for (const item of removed) process.stdout.write(`removed ${describe(item)}\n`);
      for (const item of plan.items.filter((one) => !removed.includes(one) && existsSync(one.path)))
        process.stderr.write(`stays: ${fromHere(item.path)}: changed since it was found\n`);
      process.stdout.write(`${total(removed)} removed\n`);
    });
}

function describe({ path: place, kind, reason, bytes }: Prunable): string {
  return `${kind}: ${fromHere(place)} (${size(bytes)}): ${reason}`;
}

function total(items: readonly Prunable[]): string {
  return `${items.length} in all, ${size(items.reduce((sum, { bytes }) => sum + bytes, 0))}`;
}

function size(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

function hours(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0)
    throw new InvalidArgumentError('It must be a number of at least 0.');
  return value;
}
