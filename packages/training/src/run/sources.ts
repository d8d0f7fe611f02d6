/** Where a run's base model and data come from: folders, generated text, or the Hub. */
import { readGlue } from '@psoft/datasets';
import type { RunConfig } from './config.ts';
import { TASKS, type TaskDefinition, type TaskSplits } from './tasks.ts';
import { DataError } from '@psoft/datasets';

export function taskOf({ experiment, task }: Pick<RunConfig, 'experiment' | 'task'>): TaskDefinition {
  const definition = TASKS[`${experiment}/${task}`];
  if (definition === undefined) throw new DataError(`task ${experiment}/${task} has no data yet`);
  return definition;
}

/** Training and validation data of a run's task. */
export async function readSplits(config: RunConfig): Promise<TaskSplits> {
  const definition = taskOf(config);
  const { dataFolder } = config;
  if (dataFolder === undefined) return definition.generate();
  const read = (split: 'train' | 'validation' | 'mismatched') => readGlue(dataFolder, definition.glue, split);
  const [train, validation] = [await read('train'), await read('validation')];
  return definition.glue === 'mnli'
    ? { train, validation, mismatched: await read('mismatched') }
    : { train, validation };
}
