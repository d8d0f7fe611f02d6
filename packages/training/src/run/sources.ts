/** Where a run's base model and data come from: folders, generated text, or the Hub. */
import { DataError, fetchModel, type HubOptions, readGlue, readGlueFromHub } from '@psoft/datasets';
import type { RunConfig } from './config.ts';
import { TASKS, type TaskDefinition, type TaskSplits } from './tasks.ts';

/** What the user is told while files come. */
export type SourceHooks = Pick<HubOptions, 'onNote' | 'onProgress'>;

export function taskOf({ experiment, task }: Pick<RunConfig, 'experiment' | 'task'>): TaskDefinition {
  const definition = TASKS[`${experiment}/${task}`];
  if (definition === undefined) throw new DataError(`task ${experiment}/${task} has no data yet`);
  return definition;
}

/** A folder on this machine, and the commit that a download was of. */
export interface LocalModel {
  readonly folder: string;
  readonly revision?: string;
}

/** @throws HubError when the model cannot be had */
export async function localModel(
  { model }: Pick<RunConfig, 'model'>,
  hooks: SourceHooks,
): Promise<LocalModel> {
  if (model.folder !== undefined) return { folder: model.folder };
  const { revision } = model;
  const { folder, commit } = await fetchModel(
    { name: model.name, ...(revision === undefined ? {} : { revision }) },
    hooks,
  );
  return { folder, revision: commit };
}

export interface ReadData {
  readonly splits: TaskSplits;
  /** Commit of the data set, where it came from the Hub. */
  readonly revision?: string;
}

/**
 * Training and validation data of a run's task.
 * @throws DataError or HubError
 */
export async function readData(config: RunConfig, hooks: SourceHooks): Promise<ReadData> {
  const definition = taskOf(config);
  const { dataFolder, dataHub } = config;
  const { glue } = definition;
  const names =
    glue === 'mnli' ? (['train', 'validation', 'mismatched'] as const) : (['train', 'validation'] as const);
  if (dataFolder !== undefined) {
    const splits: Record<string, unknown> = {};
    for (const name of names) {
      const split = await readGlue(dataFolder, glue, name);
      if (split.note !== undefined) hooks.onNote?.(split.note);
      splits[name] = split;
    }
    return { splits: splits as unknown as TaskSplits };
  }
  if (dataHub === undefined) return { splits: definition.generate() };
  const { splits, commit } = await readGlueFromHub(dataHub, glue, names, hooks);
  return { splits, revision: commit };
}
