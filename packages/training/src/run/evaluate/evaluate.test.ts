import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { identityOf, type RunRecord, runName, writeRecord } from '@psoft/results';
import { afterAll, describe, expect, test } from 'vitest';
import { evaluationRecord, sealed, trainingRecord } from '../../../../results/test/records.ts';
import { encodePair } from '../../generate/pairs.ts';
import { eosIdsOf } from '../../generate/prompts.ts';
import { readSplit } from '../readSplit.ts';
import type { EvaluationConfig } from './config.ts';
import { checkEvaluationSettings } from './config.ts';
import type { Answer } from './definition.ts';
import {
  accuracyOf,
  type GenerationRow,
  metricsOf,
  openGenerations,
  scoreAgain,
  scorersIn,
  verdictsOf,
  writeGenerations,
} from './generations.ts';
import { generates, plannedEvaluationInfo } from './identity.ts';
import { findTrained, runAt } from './subject.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'psoft-evaluate-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A scorer that wants the number, and one that wants it alone. */
const scoring = {
  scorers: ['loose', 'exact'] as const,
  stops: ['Question'],
  grade: (
    scorer: string,
    { output, reference, finished }: { output: string; reference: string; finished: boolean },
  ) => ({
    extracted: output,
    isCorrect: scorer === 'loose' ? output.includes(reference) : finished && output === reference,
  }),
};
const row = (text: string, end: GenerationRow['end'] = 'end'): GenerationRow => ({
  index: 0,
  promptHash: 'h',
  prompt: 'p',
  reference: '7',
  text,
  tokens: 1,
  end,
  verdicts: verdictsOf(
    { ...scoring, scorers: ['loose', 'exact'] },
    { prompt: 'p', reference: '7', text, end },
  ),
});

describe('generations', () => {
  test('are graded up to a stop string, by every scorer', () => {
    expect(row('7').verdicts).toEqual({
      loose: { extracted: '7', isCorrect: true },
      exact: { extracted: '7', isCorrect: true },
    });
    expect(row('7Question: 7?', 'stop').verdicts.exact!.isCorrect).toBe(true);
    expect(row('Question 7', 'stop').verdicts.loose!.isCorrect).toBe(false);
    expect(row('7', 'length').verdicts.exact!.isCorrect).toBe(false);
    expect(row('', 'prompt').verdicts.loose!.isCorrect).toBe(false);
  });
  test('have the chosen scorer’s share as accuracy, and each scorer’s beside it', () => {
    const rows = [row('7'), row('17'), row('8'), row('')];
    expect(accuracyOf(rows, 'loose')).toBe(50);
    expect(metricsOf({ scorers: ['loose', 'exact'] }, rows, 'exact')).toEqual({
      accuracy: 25,
      looseAccuracy: 50,
      exactAccuracy: 25,
    });
    expect(metricsOf({ scorers: ['loose'] }, rows, 'loose')).toEqual({ accuracy: 50 });
  });
  test('are scored again by the rules of today', () => {
    const rows = [row('7'), row('17')];
    const { rows: again, changed } = scoreAgain(
      { scorers: ['loose', 'exact'], stops: ['1'], grade: scoring.grade },
      rows,
    );
    // "17" now ends before its first digit.
    expect(changed).toEqual({ loose: 1, exact: 0 });
    expect(again.map(({ verdicts }) => verdicts.loose!.isCorrect)).toEqual([true, false]);
  });
  test('are read as they were written; a damaged line is named', async () => {
    const config = { experiment: 'math', task: 'gsm8k' } as EvaluationConfig;
    const run = path.join(folder, 'run');
    const file = await writeGenerations(run, config, [row('7'), row('ü\n')]);
    expect((await openGenerations(run)).rows).toEqual([row('7'), row('ü\n')]);
    writeFileSync(file, `${JSON.stringify(row('7'))}\n{"text": 3}\n`);
    await expect(openGenerations(run)).rejects.toThrow(/generations\.jsonl line 2: no generation/);
    await expect(openGenerations(folder)).rejects.toThrow(/holds no generations\.jsonl/);
  });
});

describe('choices', () => {
  const definition = {
    ...scoring,
    scorers: ['loose', 'likelihood'] as const,
    likelihoodScorers: ['likelihood'],
    grade: (scorer: string, answer: Answer) => {
      if (scorer === 'loose') return scoring.grade('loose', answer);
      const [best] = [...(answer.choices ?? [])].sort((a, b) => b.logProbability - a.logProbability);
      return { ...(best && { extracted: best.name }), isCorrect: best?.name === answer.reference };
    },
  };
  const choices = [
    { name: '7', text: 'seven', logProbability: -1 },
    { name: '8', text: 'eight', logProbability: -2 },
  ];
  const rowOf = (row: Pick<GenerationRow, 'text' | 'end' | 'choices'>): GenerationRow => {
    const answered = { prompt: 'p', reference: '7', ...row };
    return { index: 0, promptHash: 'h', tokens: 0, ...answered, verdicts: verdictsOf(definition, answered) };
  };

  test('have verdicts beside those of the output, and alone where nothing was generated', () => {
    const both = rowOf({ text: '8', end: 'end', choices });
    expect(both.verdicts).toEqual({
      loose: { extracted: '8', isCorrect: false },
      likelihood: { extracted: '7', isCorrect: true },
    });
    const alone = rowOf({ text: '', end: 'none', choices });
    expect(Object.keys(alone.verdicts)).toEqual(['likelihood']);
    expect(Object.keys(rowOf({ text: '7', end: 'end' }).verdicts)).toEqual(['loose']);
    // A prompt that was too long is wrong by every scorer.
    expect(Object.values(rowOf({ text: '', end: 'prompt' }).verdicts).map((one) => one.isCorrect)).toEqual([
      false,
      false,
    ]);
    expect(metricsOf(definition, [both], 'loose')).toEqual({
      accuracy: 0,
      looseAccuracy: 0,
      likelihoodAccuracy: 100,
    });
    expect(metricsOf(definition, [alone], 'likelihood')).toEqual({ accuracy: 100 });
    expect(scorersIn(definition.scorers, [alone])).toEqual(['likelihood']);
  });
  test('are scored again as they are stored', () => {
    const stored = rowOf({ text: '', end: 'none', choices });
    const { rows, changed } = scoreAgain(definition, [{ ...stored, reference: '8' }]);
    expect(rows[0]!.verdicts).toEqual({ likelihood: { extracted: '7', isCorrect: false } });
    expect(changed).toEqual({ loose: 0, likelihood: 1 });
  });
  test('need no generation where they alone are asked for', () => {
    expect([generates(definition, 'loose'), generates(definition, 'likelihood')]).toEqual([true, false]);
    expect(generates({}, 'paper')).toBe(true);
  });
  test('follow a prompt as one text: white space at its end is a part of what follows', () => {
    const letters = { encode: (text: string) => Int32Array.from(text, (one) => one.codePointAt(0)!) };
    const pair = encodePair(letters as never, 'a b \n  ', 'cd');
    expect([...pair.prompt]).toEqual([...'a b'].map((one) => one.codePointAt(0)));
    expect([...pair.continuation]).toEqual([...' \n  cd'].map((one) => one.codePointAt(0)));
    const greedy = { encode: (text: string) => Int32Array.of(text.length > 2 ? 1 : 2) };
    expect(() => encodePair(greedy as never, 'ab', 'c')).toThrow('no token of "c" is left');
  });
});

describe('a prompt template', () => {
  const reader = { generate: (template?: string) => template, templates: ['one', 'two'] as const };
  const read = (asked?: string, more: object = {}) =>
    readSplit('e/t', { ...reader, ...more } as never, {}, asked, {});
  test('is the first unless another is asked for', async () => {
    expect([(await read()).split, (await read('two')).split]).toEqual(['one', 'two']);
    await expect(read('three')).rejects.toThrow('unknown prompt template "three" of e/t; known: one, two');
    await expect(read('one', { templates: undefined })).rejects.toThrow('e/t has one prompt only');
    const place = { dataUrl: 'https://x' };
    await expect(readSplit('e/t', reader as never, place, undefined, {})).rejects.toThrow(
      'e/t is not read from a URL: give --data-dir with the files of https://x',
    );
  });
});

describe('the run that is evaluated', () => {
  const places = { resultsFolder: path.join(folder, 'results'), runsFolder: path.join(folder, 'runs') };
  const query = { experiment: 'nlu', task: 'train', profile: 'tiny', method: 'psoft', seed: 1 };
  const stored = async (
    variant: string | undefined,
    createdAt: string,
    isThere = true,
  ): Promise<RunRecord> => {
    const { runInfo, ...rest } = trainingRecord();
    const named = {
      ...runInfo,
      createdAt,
      ...(variant === undefined ? {} : { variant }),
      trainConfig: { createdAt },
    };
    const record = sealed({ ...rest, runInfo: named });
    await writeRecord(places.resultsFolder, record);
    const run = path.join(places.runsFolder, 'tiny', 'nlu', 'train', runName(identityOf(record)));
    if (isThere) {
      mkdirSync(run, { recursive: true });
      writeFileSync(path.join(run, 'run.json'), '{}');
    }
    return record;
  };

  test('is the newest one of that name whose result is there', async () => {
    await expect(findTrained({ ...query, variants: [undefined] }, places, 'psoft train x')).rejects.toThrow(
      'no finished run of nlu/train, profile tiny, psoft, seed 1: train it first with `psoft train x`',
    );
    const old = await stored(undefined, '2026-01-01T00:00:00.000Z');
    const newer = await stored(undefined, '2026-02-01T00:00:00.000Z');
    const real = await stored('real-data', '2026-03-01T00:00:00.000Z');
    await stored(undefined, '2026-04-01T00:00:00.000Z', false);
    const find = async (more: object = {}) =>
      (await findTrained({ ...query, variants: [undefined], ...more }, places, 'x')).record.runInfo.createdAt;
    expect(await find()).toBe(newer.runInfo.createdAt);
    expect(await find({ configHash: old.runInfo.configHash })).toBe(old.runInfo.createdAt);
    expect(await find({ variants: [undefined, 'real-data'] })).toBe(real.runInfo.createdAt);
    await expect(find({ seed: 2 })).rejects.toThrow(/no finished run/);
    await expect(find({ configHash: 'f'.repeat(64) })).rejects.toThrow(
      /no finished run of .* with these settings/,
    );
    const byFolder = await runAt(
      path.join(places.runsFolder, 'tiny', 'nlu', 'train', runName(identityOf(old))),
      places.resultsFolder,
    );
    expect(byFolder.record).toEqual(old);
    await expect(runAt(folder, places.resultsFolder)).rejects.toThrow(/holds no finished run/);

    // A damaged record is told of, whether or not another is found.
    const damaged = path.join(places.resultsFolder, 'tiny', 'nlu', 'train', 'psoft-s1-00000000.json');
    writeFileSync(damaged, '');
    const lines: string[] = [];
    const told = { ...places, onUnread: (line: string) => lines.push(line) };
    await findTrained({ ...query, variants: [undefined] }, told, 'x');
    expect(lines).toEqual([`${damaged} was not read: the file is empty`]);
    await expect(find({ seed: 2 })).rejects.toThrow(
      `no finished run of nlu/train, profile tiny, psoft, seed 2 (${damaged} was not read: the file is empty): train`,
    );
    rmSync(damaged);
  });

  test('that is recorded but not there says so', async () => {
    rmSync(places.runsFolder, { recursive: true });
    await expect(findTrained({ ...query, variants: ['real-data'] }, places, 'x')).rejects.toThrow(
      /is recorded, but what it trained is not below .*: train it again with `x`, or give --runs-dir/,
    );
  });
});

describe('the identity of an evaluation', () => {
  const evaluation = {
    scorer: 'paper',
    maxNewTokens: 8,
    strategy: { kind: 'greedy' as const },
    merge: true,
    batchSize: 4,
    buckets: [8],
  };
  const config = {
    experiment: 'math',
    task: 'gsm8k',
    profile: 'tiny',
    training: { seed: 1, method: 'psoft', training: {} },
    evaluation,
  } as unknown as EvaluationConfig;
  const record = trainingRecord();

  test('is the training’s and its settings, without what moves no score', () => {
    const info: Partial<RunRecord['runInfo']> = plannedEvaluationInfo(config, {
      kind: 'run',
      record,
    });
    expect(info.evaluates).toEqual({ task: 'train', configHash: record.runInfo.configHash });
    expect([info.method, info.trainConfig]).toEqual(['psoft', record.runInfo.trainConfig]);
    expect(info.evaluationConfig).toEqual({
      scorer: 'paper',
      maxNewTokens: 8,
      strategy: { kind: 'greedy' },
      merge: true,
    });
  });
  test('has the precision of the answers where it rounds', () => {
    const settingsIn = (precision: 'f32' | 'tf32') =>
      plannedEvaluationInfo({ ...config, evaluation: { ...evaluation, precision } }, { kind: 'run', record })
        .evaluationConfig;
    expect(settingsIn('f32')).not.toHaveProperty('precision');
    expect(settingsIn('tf32')).toMatchObject({ precision: 'tf32' });
  });

  test('names real problems, and what no run trained', () => {
    const real = { ...config, dataFolder: '/d' };
    const on = (variant?: string) => {
      const named = { ...record.runInfo, ...(variant === undefined ? {} : { variant }) };
      return plannedEvaluationInfo(real, { kind: 'run', record: { ...record, runInfo: named } }).variant;
    };
    expect([on(), on('strict'), on('real-data')]).toEqual([
      'on-real-data',
      'strict-on-real-data',
      'real-data',
    ]);
    expect(plannedEvaluationInfo(config, { kind: 'base' })).toMatchObject({
      method: 'base',
      adapterConfig: {},
    });
    const adapter = { method: 'lora', config: { r: 2 }, fingerprint: 'ab' };
    expect(plannedEvaluationInfo(config, { kind: 'adapter', adapter })).toMatchObject({
      method: 'lora',
      variant: 'external',
      evaluationConfig: { adapterFingerprint: 'ab', merge: true },
    });
    expect(evaluationRecord().runInfo.evaluates!.configHash).toBe(record.runInfo.configHash);
  });
});

test('a text ends where the model or its tokenizer says', () => {
  const tokenizer = { eosId: 5 } as never;
  expect(eosIdsOf({ eos_token_id: 7 }, tokenizer)).toEqual([7, 5]);
  expect(eosIdsOf({ eos_token_id: [5, 9] }, tokenizer)).toEqual([5, 9]);
  expect(eosIdsOf({}, tokenizer)).toEqual([5]);
  expect(() => eosIdsOf({}, {} as never)).toThrow(/nothing ends a text/);
});

test.each([
  [{ scorer: 3 }, 'evaluation setting "scorer" must be the name of a scorer, got 3'],
  [{ buckets: [8, 8] }, 'must be a list of increasing whole numbers'],
  [{ beams: 2 }, 'unknown evaluation setting "beams"; known: scorer'],
  [{ strategy: { kind: 'greedy', beams: 2 } }, '"strategy" must be an object with a kind'],
  [{ maxNewTokens: undefined }, '"maxNewTokens" must be a whole number of at least 1, got undefined'],
])('%j is refused', (more, message) => {
  const good = {
    scorer: 'a',
    maxNewTokens: 1,
    strategy: { kind: 'greedy' },
    merge: true,
    batchSize: 1,
    buckets: [1],
  };
  expect(() => checkEvaluationSettings(good, 'x')).not.toThrow();
  expect(() => checkEvaluationSettings({ ...good, ...more }, 'x')).toThrow(message);
});
