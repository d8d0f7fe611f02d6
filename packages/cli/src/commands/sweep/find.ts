/** A sweep that was run, by what people call it. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { ConfigError } from '@psoft/training/config';
import type { Command } from 'commander';
import { findSweeps } from '../../sweep/state.ts';
import { ROOT } from '../../workspace.ts';

export interface FindValues {
  readonly runsDir: string;
}

export function addFindOptions(command: Command): Command {
  return command.option('--runs-dir <folder>', 'where runs are', path.join(ROOT, 'runs'));
}

export const sweepsBelow = ({ runsDir }: FindValues): string[] => findSweeps(path.resolve(runsDir), '');

/**
 * @param target its folder, the folder's name or a beginning of it, EXPERIMENT/NAME, or the path of its .json file
 * @throws ConfigError where none or several are meant
 */
export function findOne(target: string, options: FindValues): string {
  if (existsSync(path.join(target, 'sweep.json'))) return path.resolve(target);
  const runsFolder = path.resolve(options.runsDir);
  const all = findSweeps(runsFolder, '');
  const names = target.endsWith('.json')
    ? all.filter((folder) => path.basename(folder).includes(`-${path.basename(target, '.json')}-`))
    : findSweeps(runsFolder, target.replace('/', '-'));
  const [found, ...others] = names;
  if (found === undefined)
    throw new ConfigError(
      `no sweep "${target}" below ${path.join(runsFolder, 'sweeps')}; there are ${all.map((one) => path.basename(one)).join(', ') || 'none'}`,
    );
  if (others.length > 0)
    throw new ConfigError(
      `"${target}" may be ${names.map((one) => path.basename(one)).join(' or ')}: name one of them`,
    );
  return found;
}
