import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { METHODS } from '@psoft/adapter';
import { type RunRecord, readRecords } from '@psoft/results';
import { type Paper, readPaper, TABLES } from '@psoft/results/paper';
import {
  buildTable,
  OWN_ROWS,
  type ReportTable,
  ROWS,
  rowsOfTable,
  TABLE_SPECS,
  type TableSpec,
} from '@psoft/results/report/tables';
import { runFolderOf } from '@psoft/training/evaluations';
import { beforeAll, describe, expect, test } from 'vitest';
import { findExperiments, ROOT } from '../../workspace.ts';
import { planTable } from './plan.ts';
import { buildTables } from './tables.ts';

const experiments = findExperiments();
const ofRuns = TABLE_SPECS.filter(({ source }) => source.kind !== 'bench');
const specOf = (id: string): TableSpec => TABLE_SPECS.find((spec) => spec.id === id)!;

let paper: Paper;
let records: readonly RunRecord[];
beforeAll(async () => {
  paper = await readPaper();
  const read = await readRecords(path.join(ROOT, 'results'));
  records = read.records;
});

function build(spec: TableSpec, profile: string, scorer?: string): ReportTable {
  const planned = planTable(spec, experiments, { profile, ...(scorer === undefined ? {} : { scorer }) });
  return buildTable({ spec, paper, profile, records, ...(planned && { planned }) });
}

const rowIn = (table: ReportTable, key: string) => table.rows.find((row) => row.key === key)!;
const means = (table: ReportTable, key: string) =>
  table.columns.flatMap(({ id, digits }) => rowIn(table, key).cells[id]!.ours?.mean.toFixed(digits) ?? []);

describe('the mapping of rows', () => {
  test.each(TABLE_SPECS.map((spec) => [spec.id, spec] as const))(
    '%s: every row that the paper prints has one',
    (id, spec) => {
      const labels = paper[spec.paper].map(({ label }) => label);
      expect(rowsOfTable(id).map((row) => row.paper)).toHaveLength(new Set(labels).size);
      expect(new Set(rowsOfTable(id).map((row) => row.paper))).toEqual(new Set(labels));
    },
  );

  test.each(ofRuns.map((spec) => [spec.id, spec] as const))(
    '%s: every row is planned, or has a reason why not',
    (id, spec) => {
      const keys = planTable(spec, experiments, { profile: 'paper' })!.rows.map(({ key }) => key);
      expect(keys).toHaveLength(new Set(keys).size);
      for (const { ours, notOffered } of rowsOfTable(id)) {
        expect(ours === undefined).toBe(notOffered !== undefined);
        if (ours !== undefined) expect(keys).toContain(ours);
        if (spec.source.kind === 'table' && ours !== undefined)
          expect(Object.keys(experiments.get(spec.experiment)!.methods)).toContain(ours);
      }
      // What the paper does not have is called by name.
      const mapped = rowsOfTable(id).map(({ ours }) => ours);
      if (spec.source.kind === 'table')
        for (const key of keys.filter((one) => !mapped.includes(one)))
          expect(Object.keys(OWN_ROWS)).toContain(key);
    },
  );

  test('benches are of methods that there are, and nothing is mapped for tables that there are not', () => {
    const benches = TABLE_SPECS.filter(({ source }) => source.kind === 'bench').map(({ id }) => id);
    for (const { ours } of ROWS.filter(({ table }) => benches.includes(table)))
      expect(Object.keys(METHODS)).toContain(ours);
    const ids = TABLE_SPECS.map(({ id }) => id);
    for (const { table } of ROWS) expect(ids).toContain(table);
  });
});

describe('columns', () => {
  test.each(TABLE_SPECS.map((spec) => [spec.id, spec] as const))(
    '%s: those that the paper prints',
    (_, spec) => {
      const { columns, key } = TABLES[spec.paper];
      const shown = spec.columns.flatMap(({ paper: column }) => column ?? []);
      // The keys that are no column are in the row's name.
      const inName = (key as readonly string[]).filter((name) => !shown.includes(name));
      expect(new Set([...shown, ...inName])).toEqual(new Set(Object.keys(columns)));
      const ids = spec.columns.map(({ id }) => id);
      expect(ids).toHaveLength(new Set(ids).size);
    },
  );

  test.each(ofRuns.map((spec) => [spec.id, spec] as const))('%s: scores of exactly its tasks', (_, spec) => {
    const { tasks } = planTable(spec, experiments, { profile: 'tiny' })!;
    const scored = spec.columns.flatMap((column) =>
      column.kind === 'score' || column.kind === 'loss'
        ? [column.task]
        : column.kind === 'mean'
          ? column.of.flat()
          : [],
    );
    expect(new Set(scored)).toEqual(new Set(tasks));
    for (const column of spec.columns)
      if ('task' in column)
        expect(Object.keys(experiments.get(spec.experiment)!.tasks)).toContain(column.task);
  });

  test('VTAB’s groups are the experiment’s', () => {
    const { tasks } = experiments.get('vision')!;
    for (const column of specOf('table3').columns)
      if (column.kind === 'score') expect(tasks[column.task]!.group).toBe(column.group!.toLowerCase());
  });
});

describe('committed records', () => {
  test.each([
    ['table2', 13 * 6, 3],
    ['table3', 13 * 19, 2],
    // Nothing is trained for the untuned model.
    ['table4', 11 * 2, 1],
  ] as const)('%s of the tiny profile has them all', (id, count, seeds) => {
    const table = build(specOf(id), 'tiny');
    const scores = table.rows.flatMap((row) =>
      table.columns.flatMap(({ id: column, kind }) => (kind === 'score' ? [row.cells[column]!] : [])),
    );
    expect(scores).toHaveLength(count);
    for (const { ours } of scores) expect(ours?.n).toBe(seeds);
    expect(table.filled.cells).toBe(table.filled.of);
    expect(table.commands).toEqual([]);
    // As many as lie there under the names of methods and tasks; others bear another variant.
    const { tasks, rows } = planTable(specOf(id), experiments, { profile: 'tiny' })!;
    const there = records.filter(
      ({ runInfo }) =>
        runInfo.profile === 'tiny' &&
        runInfo.experiment === specOf(id).experiment &&
        tasks.includes(runInfo.task) &&
        rows.some(({ key }) => key === runInfo.method) &&
        runInfo.variant === undefined,
    );
    expect(there.length).toBeGreaterThanOrEqual(count * seeds);
  });

  test('the numbers that the README shows', () => {
    const table2 = build(specOf('table2'), 'tiny');
    expect(rowIn(table2, 'full').cells.avg!.ours!.mean.toFixed(1)).toBe('95.9');
    expect(means(table2, 'psoft').slice(2)).toEqual(['78.8', '71.4', '91.3', '90.2', '98.0', '73.7', '83.9']);
    expect(rowIn(table2, 'psoft').cells.params!.ours!.mean).toBe(13_440);
    expect(rowIn(table2, 'lora').cells.cola!.ours!.deviation!.toFixed(1)).toBe('16.7');
    const table3 = build(specOf('table3'), 'tiny');
    const groups = ['natural', 'specialized', 'structured', 'avg'];
    const mean = (key: string) => groups.map((id) => rowIn(table3, key).cells[id]!.ours!.mean.toFixed(1));
    expect(mean('full')).toEqual(['27.8', '78.8', '60.8', '55.8']);
    expect(mean('psoft')).toEqual(['26.1', '77.8', '58.0', '54.0']);
    const table4 = build(specOf('table4'), 'tiny');
    expect(means(table4, 'psoft').slice(-2)).toEqual(['43.0', '70.5']);
    expect(means(table4, 'base').slice(-2)).toEqual(['0.0', '0.0']);
  });

  test('none of the tiny profile’s is in the paper’s tables, where the paper’s values stand', () => {
    const isTiny = records.every(({ runInfo }) => runInfo.profile === 'tiny');
    for (const spec of TABLE_SPECS) {
      const table = build(spec, 'paper');
      const cells = table.rows.flatMap((row) => Object.values(row.cells));
      if (isTiny) expect(cells.some(({ ours }) => ours !== undefined)).toBe(false);
      const printed = paper[spec.paper].length;
      expect(table.rows.filter(({ paperRow }) => paperRow !== undefined)).toHaveLength(printed);
      expect(cells.some(({ paper: value }) => value?.value !== undefined)).toBe(true);
    }
    const table2 = build(specOf('table2'), 'paper');
    expect(rowIn(table2, 'psoft').cells.cola!.paper).toEqual({ text: '70.42', value: 70.42 });
    // The mean of the seven printed values of Natural.
    expect(rowIn(build(specOf('table3'), 'paper'), 'psoft').cells.natural!.paper).toMatchObject({
      text: '80.8',
      isComputed: true,
    });
  });
});

describe('scorers', () => {
  test('another one takes its verdicts from beside the recorded ones', () => {
    const strict = build(specOf('table4'), 'tiny', 'strict');
    expect(strict.scorer).toBe('strict');
    for (const { key, cells } of strict.rows) {
      const record = records.find(
        ({ runInfo: { profile, experiment, task, method, variant } }) =>
          [profile, experiment, task, method].join() === `tiny,math,gsm8k,${key}` && variant === undefined,
      )!;
      expect(cells.gsm8k!.ours!.mean).toBe(record.trainInfo.test!.strictAccuracy);
    }
    expect(build(specOf('table4'), 'tiny').scorer).toBe('paper');
  });

  test('unknown ones are refused, and tables without answers have none', () => {
    expect(() => build(specOf('table4'), 'tiny', 'lenient')).toThrow('lenient');
    expect(build(specOf('table2'), 'tiny', 'strict')).not.toHaveProperty('scorer');
  });
});

test('stored answers are paired by problem where there are too few seeds', async () => {
  const runsDir = await mkdtemp(path.join(os.tmpdir(), 'psoft-answers-'));
  try {
    const write = async (method: string, isRight: (i: number) => boolean) => {
      const record = records.find(
        ({ runInfo }) =>
          [runInfo.profile, runInfo.experiment, runInfo.task, runInfo.method].join() ===
          `tiny,math,gsm8k,${method}`,
      )!;
      const folder = runFolderOf(record, runsDir);
      await mkdir(folder, { recursive: true });
      const { experiment, task } = record.runInfo;
      await writeFile(path.join(folder, 'evaluation.json'), JSON.stringify({ experiment, task }));
      const rows = Array.from({ length: 60 }, (_, index) => ({
        ...{ index, promptHash: `hash ${index}`, prompt: 'p', reference: '1', text: '1', end: 'end' },
        verdicts: { paper: { isCorrect: isRight(index) }, strict: { isCorrect: false } },
      }));
      await writeFile(
        path.join(folder, 'generations.jsonl'),
        rows.map((row) => `${JSON.stringify(row)}\n`).join(''),
      );
    };
    await write('lora', (i) => i < 40);
    await write('psoft', (i) => i < 10);
    const options = {
      profile: 'tiny',
      tables: ['table4'],
      resultsDir: path.join(ROOT, 'results'),
      runsDir,
    } as const;
    const [table] = await buildTables({ ...options, examples: true });
    const tested = (key: string) => rowIn(table!, key).cells.gsm8k!.test;
    expect(tested('lora')).toMatchObject({
      rival: 'psoft',
      over: 'examples',
      n: 60,
      difference: 50,
      isSignificant: true,
    });
    expect(tested('oft')).toEqual({ rival: 'psoft', notTested: '1 common seed, at least 3 are needed' });
    // By the other scorer all answers are wrong.
    const [strict] = await buildTables({ ...options, examples: true, scorer: 'strict' });
    expect(rowIn(strict!, 'lora').cells.gsm8k!.test).toMatchObject({
      difference: 0,
      p: 1,
      isSignificant: false,
    });
    const [without] = await buildTables(options);
    expect(rowIn(without!, 'lora').cells.gsm8k!.test).toHaveProperty('notTested');
  } finally {
    await rm(runsDir, { recursive: true, force: true });
  }
});

test('commands name targets, methods, tasks and seeds that there are', () => {
  const commands = ofRuns.flatMap((spec) =>
    ['tiny', 'paper'].flatMap((profile) => {
      const { rows, commands: all } = build(spec, profile);
      return [
        ...all,
        ...rows.flatMap(({ cells }) => Object.values(cells).flatMap(({ missing }) => missing?.command ?? [])),
      ];
    }),
  );
  expect(commands.length).toBeGreaterThan(100);
  for (const command of new Set(commands)) {
    const [, project, target, rest] = /^npx nx run ([a-z]+):([a-z0-9]+)(.*)$/.exec(command)!;
    const { targets } = JSON.parse(
      readFileSync(path.join(ROOT, 'experiments', project!, 'project.json'), 'utf8'),
    );
    expect(targets).toHaveProperty(target!);
    const { methods, tasks } = experiments.get(project!)!;
    for (const [flag, value] of [...rest!.matchAll(/ --([a-z]+)=(\S+)/g)].map(
      ([, ...both]) => both as [string, string],
    )) {
      const known = {
        methods: Object.keys(methods),
        tasks: Object.keys(tasks),
        seeds: ['1', '2', '3', '4', '5'],
      }[flag];
      for (const one of value.split(',')) expect(known, command).toContain(one);
    }
    expect(rest!.replace(/ --[a-z]+=\S+/g, '').trim()).toMatch(/^(-c paper)?$/);
  }
});
