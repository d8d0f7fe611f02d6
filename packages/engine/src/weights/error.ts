import { LineError } from '../errors.ts';

/** A checkpoint file that cannot be used. The message is one line: the file, what is wrong with it, the value seen. */
export class WeightFileError extends LineError {
  override readonly name = 'WeightFileError';
  /** The file or folder, as the caller named it. */
  readonly file: string;

  constructor(file: string, problem: string, options?: ErrorOptions) {
    super(`${file}: ${problem}`, options);
    this.file = file;
  }
}
