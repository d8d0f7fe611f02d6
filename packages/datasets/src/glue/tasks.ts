/**
 * The tasks of GLUE (Wang et al. 2019): where their columns stand in the official files and on the Hub, what the
 * labels mean, how they are scored, and what the server wants for the test sets.
 */
import type { MetricName } from '../metrics.ts';

export const GLUE_TASK_NAMES = ['cola', 'stsb', 'rte', 'mrpc', 'sst2', 'qnli', 'mnli', 'qqp'] as const;
export type GlueTaskName = (typeof GLUE_TASK_NAMES)[number];

/** Splits of a task by what they are for. `mismatched` is MNLI's second development set. */
export type GlueSplit = 'train' | 'validation' | 'mismatched' | 'test' | 'testMismatched';

/** Where a split lies. */
export interface GlueFile {
  /** In the official layout, below the task's folder. */
  readonly official: string;
  /** Name of the split on the Hub. */
  readonly hub: string;
}

export interface GlueTask {
  readonly title: string;
  /** Folder in the official layout. */
  readonly folder: string;
  /** Text columns in the official files, one or two; {@link GlueTask.hubTexts} where the Hub's differ. */
  readonly texts: readonly [string] | readonly [string, string];
  readonly hubTexts?: readonly [string] | readonly [string, string];
  readonly labelColumn: string;
  /**
   * Names of the classes by index, as transformers and the Hub number them; `values` are how the official files write
   * them, where that is another way. Absent for a score, from 0 to 5 (STS-B).
   */
  readonly classes?: readonly string[];
  readonly values?: readonly string[];
  /** Columns of files without a header line (CoLA's train and dev). */
  readonly columns?: readonly string[];
  readonly files: Readonly<Partial<Record<GlueSplit, GlueFile>>>;
  /** In the order they are reported; the first chooses the epoch (the paper's metric). */
  readonly metrics: readonly [MetricName, ...MetricName[]];
  /** Files of a submission, by test split, and whether classes are written as names or numbers. */
  readonly submission: Readonly<Partial<Record<GlueSplit, string>>>;
  readonly writesNames?: boolean;
  /** Rows of the official files that are known to be broken are passed over and counted, not refused (QQP). */
  readonly skipsBrokenRows?: boolean;
}

const train: GlueFile = { official: 'train.tsv', hub: 'train' };
const validation: GlueFile = { official: 'dev.tsv', hub: 'validation' };
const test: GlueFile = { official: 'test.tsv', hub: 'test' };
const usual = { train, validation, test } as const;

export const GLUE_TASKS: Readonly<Record<GlueTaskName, GlueTask>> = {
  cola: {
    title: 'CoLA: is the sentence acceptable English?',
    folder: 'CoLA',
    texts: ['sentence'],
    labelColumn: 'label',
    classes: ['unacceptable', 'acceptable'],
    values: ['0', '1'],
    columns: ['source', 'label', 'mark', 'sentence'],
    files: usual,
    metrics: ['matthewsCorrelation', 'accuracy'],
    submission: { test: 'CoLA.tsv' },
  },
  stsb: {
    title: 'STS-B: how similar are two sentences, from 0 to 5?',
    folder: 'STS-B',
    texts: ['sentence1', 'sentence2'],
    labelColumn: 'score',
    files: usual,
    metrics: ['pearson', 'spearman'],
    submission: { test: 'STS-B.tsv' },
  },
  rte: {
    title: 'RTE: does the second sentence follow from the first?',
    folder: 'RTE',
    texts: ['sentence1', 'sentence2'],
    labelColumn: 'label',
    classes: ['entailment', 'not_entailment'],
    files: usual,
    metrics: ['accuracy'],
    submission: { test: 'RTE.tsv' },
    writesNames: true,
  },
  mrpc: {
    title: 'MRPC: do two sentences say the same?',
    folder: 'MRPC',
    texts: ['#1 String', '#2 String'],
    hubTexts: ['sentence1', 'sentence2'],
    labelColumn: 'Quality',
    classes: ['not_equivalent', 'equivalent'],
    values: ['0', '1'],
    files: usual,
    metrics: ['accuracy', 'f1'],
    submission: { test: 'MRPC.tsv' },
  },
  sst2: {
    title: 'SST-2: is the opinion favourable?',
    folder: 'SST-2',
    texts: ['sentence'],
    labelColumn: 'label',
    classes: ['negative', 'positive'],
    values: ['0', '1'],
    files: usual,
    metrics: ['accuracy'],
    submission: { test: 'SST-2.tsv' },
  },
  qnli: {
    title: 'QNLI: does the sentence answer the question?',
    folder: 'QNLI',
    texts: ['question', 'sentence'],
    labelColumn: 'label',
    classes: ['entailment', 'not_entailment'],
    files: usual,
    metrics: ['accuracy'],
    submission: { test: 'QNLI.tsv' },
    writesNames: true,
  },
  mnli: {
    title: 'MNLI: does the second sentence follow, contradict, or neither?',
    folder: 'MNLI',
    texts: ['sentence1', 'sentence2'],
    hubTexts: ['premise', 'hypothesis'],
    labelColumn: 'gold_label',
    classes: ['entailment', 'neutral', 'contradiction'],
    files: {
      train,
      validation: { official: 'dev_matched.tsv', hub: 'validation_matched' },
      mismatched: { official: 'dev_mismatched.tsv', hub: 'validation_mismatched' },
      test: { official: 'test_matched.tsv', hub: 'test_matched' },
      testMismatched: { official: 'test_mismatched.tsv', hub: 'test_mismatched' },
    },
    metrics: ['accuracy'],
    submission: { test: 'MNLI-m.tsv', testMismatched: 'MNLI-mm.tsv' },
    writesNames: true,
  },
  qqp: {
    title: 'QQP: do two questions ask the same?',
    folder: 'QQP',
    texts: ['question1', 'question2'],
    labelColumn: 'is_duplicate',
    classes: ['not_duplicate', 'duplicate'],
    values: ['0', '1'],
    files: usual,
    metrics: ['accuracy', 'f1'],
    submission: { test: 'QQP.tsv' },
    skipsBrokenRows: true,
  },
};

/** The range of a score ({@link GlueTask.classes} absent): STS-B's. */
export const SCORE_RANGE = [0, 5] as const;
