/** Examples of a task, wherever they come from: generated, a folder, a URL or the Hub. */
import type { HubData } from '@psoft/datasets';
import { ConfigError, type RunConfig } from './config.ts';
import type { SourceHooks } from './sources.ts';

/** A split, and the commit that it came from where it has one. */
export interface ReadResult<Split> {
  readonly split: Split;
  readonly commit?: string;
}

/** How a task reads examples. What it may not be asked for it leaves out. */
export interface SplitReader<Split> {
  /** Names of the prompts that it can be asked with, the first unless another is; left out where there is one only. */
  readonly templates?: readonly [string, ...string[]];
  /** The tiny profile's own data, the same for every seed of a run. */
  generate(template?: string): Split;
  /** @throws DataError */
  readFolder(folder: string, hooks: SourceHooks, template?: string): Promise<Split>;
  /** @throws DataError or HubError */
  readHub(data: HubData, hooks: SourceHooks, template?: string): Promise<ReadResult<Split>>;
  /** Downloads once what lies below it. @throws DataError or HubError */
  readUrl?(url: string, hooks: SourceHooks, template?: string): Promise<Split>;
}

export type DataPlace = Pick<RunConfig, 'dataFolder' | 'dataHub' | 'dataUrl'>;

/**
 * @param template what was asked for; undefined for the task's first
 * @throws ConfigError for a template or a place that the task does not have, and what reading may throw
 */
export async function readSplit<Split>(
  name: string,
  reader: SplitReader<Split>,
  { dataFolder, dataHub, dataUrl }: DataPlace,
  template: string | undefined,
  hooks: SourceHooks,
): Promise<ReadResult<Split>> {
  const chosen = templateOf(name, reader, template);
  if (dataFolder !== undefined) return { split: await reader.readFolder(dataFolder, hooks, chosen) };
  if (dataUrl !== undefined) {
    if (reader.readUrl === undefined)
      throw new ConfigError(`${name} is not read from a URL: give --data-dir with the files of ${dataUrl}`);
    return { split: await reader.readUrl(dataUrl, hooks, chosen) };
  }
  return dataHub === undefined ? { split: reader.generate(chosen) } : reader.readHub(dataHub, hooks, chosen);
}

/**
 * The template that a task is asked with.
 * @throws ConfigError for one that it does not have
 */
export function templateOf(
  name: string,
  { templates }: Pick<SplitReader<unknown>, 'templates'>,
  asked: string | undefined,
): string | undefined {
  if (asked === undefined) return templates?.[0];
  if (templates === undefined)
    throw new ConfigError(`${name} has one prompt only: leave the template "${asked}" out`);
  if (!templates.includes(asked))
    throw new ConfigError(`unknown prompt template "${asked}" of ${name}; known: ${templates.join(', ')}`);
  return asked;
}
