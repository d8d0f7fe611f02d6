import type { TaskDefinition } from '../tasks.ts';
import { IMAGES } from './images.ts';
import { INSTRUCTIONS } from './instructions.ts';
import type { TaskData, TaskKind } from './kind.ts';
import { TEXT } from './text.ts';

/** By the names that task definitions bear. A new kind is one line. */
const KINDS = { text: TEXT, images: IMAGES, instructions: INSTRUCTIONS };

/** The kind of a task: its parts are handed on to one another, whatever they hold. */
export function kindOf(definition: TaskDefinition): TaskKind<TaskDefinition, TaskData, unknown> {
  return KINDS[definition.kind] as unknown as TaskKind<TaskDefinition, TaskData, unknown>;
}
