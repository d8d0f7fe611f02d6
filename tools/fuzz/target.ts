/** What is fuzzed: a reader of data from outside, with inputs to start from and ways to change them. */
import type { Random } from './random.ts';

/** The files of one input by their paths below its folder. */
export type Files = ReadonlyMap<string, Uint8Array>;

export interface Target {
  readonly name: string;
  /** Valid and near-valid inputs. */
  seeds(): Promise<Files[]>;
  /** A change that knows the format. @param other another input, to take parts from */
  mutate(files: Files, random: Random, other: Files): Files;
  /**
   * Reads the input as users do, and checks that what is read is what was promised.
   * @param folder holds the files; nothing else is beside it
   * @throws the project's own errors, each naming a file of the input
   */
  read(folder: string, files: Files): Promise<void>;
  /** Most seconds of the processor that an input may take. Default 10. */
  readonly seconds?: number;
  /** Names other than those of files and folder that tell where an error comes from. */
  readonly places?: readonly string[];
}

/** What a reader promised and did not keep, although it threw nothing. */
export class BrokenPromise extends Error {
  override readonly name = 'BrokenPromise';
}

export function expectThat(condition: boolean, promise: string): asserts condition {
  if (!condition) throw new BrokenPromise(promise);
}
