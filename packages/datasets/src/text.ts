/** Labelled text, whatever it came from. */
import { createHash } from 'node:crypto';
import { LineError } from '@psoft/engine/errors';

export interface TextExample {
  readonly text: string;
  /** The second sentence of a pair task. */
  readonly textPair?: string;
  /** Class index, or the score of a regression task. */
  readonly label: number;
}

/** A split of a data set as it was read or made. */
export interface TextSplit {
  /** Where it came from, for messages and records. */
  readonly source: string;
  readonly examples: readonly TextExample[];
  /** What the user should know about it: rows left out. */
  readonly note?: string;
}

/** Input data that is missing or not as its format says: one line naming file, row and what was seen. */
export class DataError extends LineError {
  override readonly name = 'DataError';
}

/** SHA-256 over texts and labels in order: the same content gives the same fingerprint, wherever it lay. */
export function fingerprintExamples(examples: readonly TextExample[]): string {
  const hash = createHash('sha256');
  for (const { text, textPair, label } of examples)
    hash.update(`${JSON.stringify([text, textPair ?? null, label])}\n`);
  return hash.digest('hex');
}
