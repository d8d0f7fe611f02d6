/** What is to be predicted, and what came of it. */
import type { HubData, TextFormat } from '@psoft/datasets';
import type { ExecutionOptions } from '../protocol.ts';

export interface PredictRequest extends ExecutionOptions {
  /** Of a finished run, or of the adapter in it. */
  readonly folder: string;
  /** The base model, where it lies elsewhere than in training. */
  readonly modelFolder?: string;
  readonly batchSize?: number;
  readonly from: TextSource | ImageSource | TestSource;
}

interface Written {
  /** Standard output when left out. */
  readonly output?: string;
  readonly outputFormat: TextFormat;
}

/** A file of texts, or standard input ("-"). */
export interface TextSource extends Written {
  readonly kind: 'texts';
  readonly input: string;
  readonly format: TextFormat;
  /** Names of the text columns, where they are not the task's. */
  readonly columns?: readonly string[];
}

/** Image files, and folders of them. */
export interface ImageSource extends Written {
  readonly kind: 'images';
  readonly inputs: readonly string[];
}

/** The task's test sets. */
export interface TestSource {
  readonly kind: 'glue';
  readonly dataFolder?: string;
  readonly dataHub?: HubData;
  readonly outputFolder: string;
}

export interface PredictSummary {
  readonly rows: number;
  /** Rows that fill the maximum length: they may have been cut. */
  readonly atMaxLength: number;
  readonly seconds: number;
  /** Nothing for standard output. */
  readonly files: readonly string[];
}
