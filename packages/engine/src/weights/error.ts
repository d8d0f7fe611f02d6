/** A checkpoint file that cannot be used. The message is one line: the file, what is wrong with it, the value seen. */
export class WeightFileError extends Error {
  override readonly name = 'WeightFileError';
  /** The file or folder, as the caller named it. */
  readonly file: string;

  constructor(file: string, problem: string, options?: ErrorOptions) {
    super(`${file}: ${problem}`, options);
    this.file = file;
  }
}

/** A value from a file for an error message: JSON on one line, cut to a readable length. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}... (${text.length} characters)` : text;
}

const LONGEST = 120;
