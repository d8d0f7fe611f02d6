/** Where a run's task and base model come from. */
import { DataError, fetchModel, type HubOptions } from '@psoft/datasets';
import type { RunConfig } from './config.ts';
import { kindOf } from './kinds/index.ts';
import type { TaskData } from './kinds/kind.ts';
import { TASKS, type TaskDefinition } from './tasks.ts';

/** What the user is told while files come. */
export type SourceHooks = Pick<HubOptions, 'onNote' | 'onProgress'>;

export function taskOf({ experiment, task }: Pick<RunConfig, 'experiment' | 'task'>): TaskDefinition {
  const name = `${experiment}/${task}`;
  const definition = Object.hasOwn(TASKS, name) ? TASKS[name] : undefined;
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

/**
 * The data of a run's task, to see whether it is there: without a model's folder what needs none is read all the same.
 * @throws DataError or HubError
 */
export async function readData(config: RunConfig, modelFolder: string | undefined): Promise<TaskData> {
  const definition = taskOf(config);
  if (definition.kind === 'images' && modelFolder === undefined)
    throw new DataError('images are not looked at without their model, which says how they are read');
  return kindOf(definition).read(
    definition,
    { config, modelFolder: modelFolder ?? '', hooks: {} },
    config.seed,
  );
}

/**
 * The data of a run's task, cut as its seed says.
 * @throws DataError or HubError, also for a model folder that cannot read such data
 */
export async function readTask(
  config: RunConfig,
  modelFolder: string,
  hooks: SourceHooks,
): Promise<TaskData> {
  const definition = taskOf(config);
  const kind = kindOf(definition);
  await kind.openReader(modelFolder);
  return kind.read(definition, { config, modelFolder, hooks }, config.seed);
}
