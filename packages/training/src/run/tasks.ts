/** The tasks that can be trained, by `EXPERIMENT/TASK`. Adding one is one entry. */
import {
  classNames,
  GLUE_TASKS,
  type GlueTaskName,
  generateAcceptability,
  generateAnswers,
  generateEntailment,
  generateInference,
  generateParaphrase,
  generateQuestions,
  generateSentiment,
  generateSimilarity,
  type InstructionSplit,
  type MetricName,
  type SplitSizes,
  type TextSplit,
  VISION_TASK_NAMES,
  type VisionTaskName,
} from '@psoft/datasets';
import { COMMONSENSE_TASKS } from './commonsense.ts';
import { MATH_TASKS } from './math.ts';
import type { SplitReader } from './readSplit.ts';

export interface TextSplits {
  readonly train: TextSplit;
  readonly validation: TextSplit;
  /** A second validation set, reported on but never chosen by. */
  readonly mismatched?: TextSplit;
}

interface Scored {
  /** Names by index; absent for a regression task. */
  readonly classes?: readonly string[];
  /** In the order they are reported; the first chooses the epoch. */
  readonly metrics: readonly [MetricName, ...MetricName[]];
}

/** A task of GLUE. */
export interface TextDefinition extends Scored {
  readonly kind: 'text';
  readonly glue: GlueTaskName;
  /** The tiny profile's own data of the same form, the same for every seed of a run. */
  generate(): TextSplits;
}

/** A task of VTAB-1K, whose tiny profile is generated pictures of the same class structure. */
export interface ImageDefinition extends Scored {
  readonly kind: 'images';
  readonly images: VisionTaskName;
  readonly classes: readonly string[];
}

/** A language model learns to respond. What came of it is measured by evaluations, tasks of their own. */
export interface InstructionDefinition extends SplitReader<InstructionSplit> {
  readonly kind: 'instructions';
  /** Per token of the responses; chooses the epoch where examples are held out for it. */
  readonly metrics: readonly ['loss'];
  /** So many examples choose the epoch, the one of least loss; without them the last is kept. */
  readonly heldOut?: { readonly count: number; readonly seed: number };
}

/** What a task is: its classes, how it is scored, where its data comes from. */
export type TaskDefinition = TextDefinition | ImageDefinition | InstructionDefinition;

/** Seed of the generated data: part of the task, not of a run. */
const GENERATED_SEED = 2026;

type Generated = { train: TextSplit; dev: TextSplit; mismatched?: TextSplit };

function glue(
  name: GlueTaskName,
  sizes: SplitSizes,
  generate: (seed: number, sizes: SplitSizes) => Generated,
): TextDefinition {
  const { classes, metrics } = GLUE_TASKS[name];
  return {
    kind: 'text',
    glue: name,
    ...(classes === undefined ? {} : { classes }),
    metrics,
    generate: () => {
      const { dev, ...others } = generate(GENERATED_SEED, sizes);
      return { ...others, validation: dev };
    },
  };
}

function vtab(name: VisionTaskName): ImageDefinition {
  return { kind: 'images', images: name, classes: classNames(name), metrics: ['accuracy'] };
}

const SMALL: SplitSizes = { train: 1536, dev: 400 };

export const TASKS: Readonly<Record<string, TaskDefinition>> = {
  'nlu/cola': glue('cola', { train: 4000, dev: 1000 }, generateAcceptability),
  'nlu/stsb': glue('stsb', SMALL, generateSimilarity),
  'nlu/rte': glue('rte', SMALL, generateEntailment),
  'nlu/mrpc': glue('mrpc', SMALL, generateParaphrase),
  'nlu/sst2': glue('sst2', { train: 1024, dev: 400 }, generateSentiment),
  'nlu/qnli': glue('qnli', SMALL, generateAnswers),
  'nlu/mnli': glue('mnli', SMALL, generateInference),
  'nlu/qqp': glue('qqp', SMALL, generateQuestions),
  ...MATH_TASKS,
  ...COMMONSENSE_TASKS,
  ...Object.fromEntries(VISION_TASK_NAMES.map((name) => [`vision/${name}`, vtab(name)])),
};
