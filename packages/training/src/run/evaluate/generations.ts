/** What was generated, kept so that it can be scored again without a model. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { cutAtStop } from '@psoft/datasets';
import { writeFileAtomically } from '@psoft/engine';
import { shown } from '@psoft/engine/errors';
import { ConfigError } from '../config.ts';
import { isObject, readJsonObject } from '../readJson.ts';
import type { EvaluationConfig } from './config.ts';
import type { EvaluationDefinition, ScoredChoice, Verdict } from './definition.ts';
import { evaluationOf } from './identity.ts';
import { EVALUATIONS } from './tasks.ts';

const GENERATIONS_FILE = 'generations.jsonl';
/** The evaluation's configuration, beside them. */
const CONFIG_FILE = 'evaluation.json';

/** One line of the file. */
export interface GenerationRow {
  /** Place in the set. */
  readonly index: number;
  /** SHA-256 of the prompt. */
  readonly promptHash: string;
  readonly prompt: string;
  readonly reference: string;
  /** All that was generated. What is scored of it ends before the first stop string. */
  readonly text: string;
  /** New tokens, the end not among them. */
  readonly tokens: number;
  /**
   * Why it ends there: the token that ends a text, a stop string, the limit, or a prompt that was too long; none where
   * nothing was generated.
   */
  readonly end: 'end' | 'stop' | 'length' | 'prompt' | 'none';
  /** How probable each of the problem's choices is; absent where they were not compared. */
  readonly choices?: readonly ScoredChoice[];
  /** By scorer. */
  readonly verdicts: Readonly<Record<string, Verdict>>;
}

type Scoring = Pick<EvaluationDefinition, 'scorers' | 'likelihoodScorers' | 'stops' | 'grade'>;
type Scored = Pick<GenerationRow, 'prompt' | 'reference' | 'text' | 'end' | 'choices'>;

export function verdictsOf(
  scoring: Scoring,
  { prompt, reference, text, end, choices }: Scored,
): Record<string, Verdict> {
  const { stops, grade, likelihoodScorers = [] } = scoring;
  const answer = {
    prompt,
    reference,
    output: cutAtStop(text, stops),
    finished: end === 'end' || end === 'stop',
    ...(choices === undefined ? {} : { choices }),
  };
  // Only who finds what he reads has a verdict: an output, or choices and their likelihood.
  const names = scoring.scorers.filter((scorer) =>
    likelihoodScorers.includes(scorer) ? choices !== undefined || end === 'prompt' : end !== 'none',
  );
  return Object.fromEntries(names.map((scorer) => [scorer, grade(scorer, answer)]));
}

/** Stored generations with today's verdicts, and how many of them are others than stored, by scorer. */
export function scoreAgain(
  scoring: Scoring,
  rows: readonly GenerationRow[],
): { readonly rows: GenerationRow[]; readonly changed: Readonly<Record<string, number>> } {
  const scored = rows.map((row) => ({ ...row, verdicts: verdictsOf(scoring, row) }));
  const changed = scoring.scorers.map((scorer): [string, number] => [
    scorer,
    scored.filter(({ verdicts }, i) => verdicts[scorer]?.isCorrect !== rows[i]!.verdicts[scorer]?.isCorrect)
      .length,
  ]);
  return { rows: scored, changed: Object.fromEntries(changed) };
}

/** Share of the rows that a scorer calls correct, in per cent. */
export function accuracyOf(rows: readonly GenerationRow[], scorer: string): number {
  return (100 * rows.filter(({ verdicts }) => verdicts[scorer]?.isCorrect === true).length) / rows.length;
}

/** Those that gave verdicts. */
export function scorersIn(scorers: readonly string[], rows: readonly GenerationRow[]): string[] {
  return scorers.filter((scorer) => rows.some(({ verdicts }) => verdicts[scorer] !== undefined));
}

/** The chosen scorer's verdict is the accuracy, the others bear their names. */
export function metricsOf(
  { scorers }: Pick<EvaluationDefinition, 'scorers'>,
  rows: readonly GenerationRow[],
  chosen: string,
): Record<string, number> {
  const present = scorersIn(scorers, rows);
  return Object.fromEntries([
    ['accuracy', accuracyOf(rows, chosen)],
    ...(present.length > 1 ? present.map((one) => [`${one}Accuracy`, accuracyOf(rows, one)]) : []),
  ]);
}

/** @returns the file of the generations */
export async function writeGenerations(
  folder: string,
  config: EvaluationConfig,
  rows: readonly GenerationRow[],
): Promise<string> {
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, CONFIG_FILE), `${JSON.stringify(config, null, 2)}\n`);
  const file = path.join(folder, GENERATIONS_FILE);
  const text = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  await writeFileAtomically(file, async (handle) => void (await handle.writeFile(text)));
  return file;
}

/**
 * The stored generations of an evaluation, and what it takes to score them again.
 * @throws ConfigError for a folder without generations, or a damaged line of them
 */
export async function openGenerations(folder: string) {
  const rows = await readGenerations(folder);
  const config = await readConfig(path.join(folder, CONFIG_FILE));
  return { config, definition: evaluationOf(config), rows };
}

/** As much of it as scoring reads. */
async function readConfig(file: string): Promise<Pick<EvaluationConfig, 'experiment' | 'task'>> {
  const { experiment, task } = await readJsonObject(file);
  if (
    typeof experiment !== 'string' ||
    typeof task !== 'string' ||
    !Object.hasOwn(EVALUATIONS, `${experiment}/${task}`)
  )
    throw new ConfigError(
      `${file}: must be of one of ${Object.keys(EVALUATIONS).join(', ')}, got ${shown({ experiment, task })}`,
    );
  return { experiment, task };
}

async function readGenerations(folder: string): Promise<GenerationRow[]> {
  const file = path.join(folder, GENERATIONS_FILE);
  const text = await readFile(file, 'utf8').catch(() => {
    throw new ConfigError(
      `${folder} holds no ${GENERATIONS_FILE}: give the folder of an evaluation (runs/PROFILE/EXPERIMENT/TASK/...)`,
    );
  });
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line, i) => {
    try {
      const row: unknown = JSON.parse(line);
      if (isRow(row)) return row;
    } catch {
      // Said below.
    }
    throw new ConfigError(`${file} line ${i + 1}: no generation with text and reference, got ${shown(line)}`);
  });
}

/** With all that scoring reads; a row may have been written before there was likelihood. */
function isRow(row: unknown): row is GenerationRow {
  return (
    isObject(row) &&
    ['prompt', 'text', 'reference', 'end'].every((field) => typeof row[field] === 'string') &&
    isObject(row.verdicts) &&
    Object.values(row.verdicts).every(isObject) &&
    (row.choices === undefined || (Array.isArray(row.choices) && row.choices.every(isChoice)))
  );
}

const isChoice = (choice: unknown): boolean =>
  isObject(choice) &&
  Object.values(choice).every((one) => typeof one === 'string' || typeof one === 'number' || one === null);
