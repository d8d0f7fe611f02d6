/** Stored generations, a JSON object a line: what was asked and answered, so that scoring can be run again alone. */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { DataError } from '../text.ts';
import { readUtf8 } from '../tsv.ts';
import { grade, type Scorer } from './graders/index.ts';
import type { MathDataset, MathProblem } from './problems.ts';
import { peftPrompt } from './prompts.ts';

export interface GenerationRow {
  /** Which problem of the set, from 0. */
  readonly index: number;
  /** SHA-256 of the prompt, in hexadecimal. */
  readonly promptHash: string;
  /** What followed the prompt, up to the stop string or the end-of-sequence token. */
  readonly output: string;
  /** Whether it ended by itself, not for want of tokens. */
  readonly finished: boolean;
  /** The answer as the scorer read it; null where it found none. */
  readonly extracted: string | null;
  readonly gold: string | null;
  readonly correct: boolean;
}

/** A row before it is scored. */
export type Generation = Pick<GenerationRow, 'index' | 'promptHash' | 'output' | 'finished'>;

export interface Scored {
  readonly rows: readonly GenerationRow[];
  readonly correct: number;
  /** correct / rows, from 0 to 1; 0 without rows. */
  readonly accuracy: number;
}

export const promptHash = (prompt: string): string => createHash('sha256').update(prompt).digest('hex');

/**
 * Grades generations anew, whatever grades they carry. Pure.
 * @param prompt how a problem was asked: with it, every row's hash is checked, so that the generations of other
 * problems or prompts are not scored by mistake. `peft` reads prompt and output together, by its own prompt when left out.
 * @throws DataError for a row that belongs to no problem of the set, or comes twice
 */
export function scoreGenerations(
  rows: readonly Generation[],
  scorer: Scorer,
  dataset: MathDataset,
  problems: readonly MathProblem[],
  prompt?: (problem: string) => string,
): Scored {
  const seen = new Set<number>();
  const scored = rows.map((row): GenerationRow => {
    const { index, output, finished } = row;
    const problem = problems[index];
    if (problem === undefined)
      throw new DataError(
        `generation of problem ${index}: the set has ${problems.length} problems; is it another set's?`,
      );
    if (seen.has(index)) throw new DataError(`problem ${index} has two generations; keep one`);
    seen.add(index);
    if (prompt !== undefined && promptHash(prompt(problem.problem)) !== row.promptHash)
      throw new DataError(
        `generation of problem ${index} answers another prompt (hash ${row.promptHash.slice(0, 12)}); score it with its own data and prompt`,
      );
    const text = scorer === 'peft' ? (prompt ?? peftPrompt)(problem.problem) + output : output;
    const { correct, extracted, gold } = grade(scorer, dataset, text, problem, { finished });
    return {
      index,
      promptHash: row.promptHash,
      output,
      finished,
      extracted: extracted ?? null,
      gold: gold ?? null,
      correct,
    };
  });
  const correct = scored.filter((row) => row.correct).length;
  return { rows: scored, correct, accuracy: scored.length === 0 ? 0 : correct / scored.length };
}

export async function writeGenerations(file: string, rows: readonly GenerationRow[]): Promise<void> {
  await writeFile(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}

const isTextOrNull = (value: unknown): boolean => value === null || typeof value === 'string';

/** What each field must be. */
const FIELDS: Readonly<Record<keyof GenerationRow, readonly [(value: unknown) => boolean, string]>> = {
  index: [(value) => Number.isSafeInteger(value) && (value as number) >= 0, 'a whole number'],
  promptHash: [(value) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value), '64 hexadecimal digits'],
  output: [(value) => typeof value === 'string', 'text'],
  finished: [(value) => typeof value === 'boolean', 'true or false'],
  extracted: [isTextOrNull, 'text or null'],
  gold: [isTextOrNull, 'text or null'],
  correct: [(value) => typeof value === 'boolean', 'true or false'],
};

/** @throws DataError naming file, row and field */
export async function readGenerations(file: string): Promise<GenerationRow[]> {
  return (await readUtf8(file)).split('\n').flatMap((line, i) => {
    if (line === '') return [];
    const where = `${file} row ${i + 1}`;
    let value: Record<string, unknown>;
    try {
      value = JSON.parse(line) as Record<string, unknown>;
    } catch (error) {
      throw new DataError(`${where}: not JSON: ${(error as Error).message}`);
    }
    for (const [field, [isValid, expected]] of Object.entries(FIELDS))
      if (!isValid(value?.[field]))
        throw new DataError(
          `${where}: "${field}" is ${JSON.stringify(value?.[field]) ?? 'missing'}, expected ${expected}`,
        );
    return [value as unknown as GenerationRow];
  });
}
