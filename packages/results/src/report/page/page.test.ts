import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { readHtml } from '../../../test/html.ts';
import { MAPPING, SPEC as MEAN_UNPRINTED, plan, plannedRun, recordOf } from '../../../test/planned.ts';
import { sealed } from '../../../test/records.ts';
import { audit } from '../../audit/index.ts';
import { type Paper, readPaper } from '../../paper/index.ts';
import type { RunRecord } from '../../schema.ts';
import { buildTable, type TableSpec } from '../tables/index.ts';
import { buildReport } from './build.ts';
import type { PageData, PageRun } from './data/types.ts';
import type { ReportInput } from './input.ts';

let paper: Paper;
beforeAll(async () => {
  paper = await readPaper();
});

/** With the average that the paper prints. */
const SPEC: TableSpec = {
  ...MEAN_UNPRINTED,
  columns: MEAN_UNPRINTED.columns.map((column) =>
    column.id === 'avg' ? { ...column, paper: 'avg' } : column,
  ),
};

const SCORES = { full: 95, lora: 70, dora: 80, psoft: 78 };

const records = (change: (record: RunRecord) => RunRecord = (one) => one): RunRecord[] =>
  Object.entries(SCORES).flatMap(([method, score]) =>
    ['rte', 'cola'].flatMap((task) =>
      [1, 2, 3].map((seed) => recordOf(plannedRun(method, task, seed), score + seed, change)),
    ),
  );

function inputOf(all: readonly RunRecord[], more: Partial<ReportInput> = {}): ReportInput {
  const tables = ['tiny', 'paper'].map((profile) => {
    const planned = plan({ profile });
    return {
      table: buildTable({ spec: SPEC, paper, profile, planned, records: all, mapping: MAPPING }),
      spec: SPEC,
      planned,
    };
  });
  return {
    experiments: [{ name: 'nlu', titles: { tiny: 'Two made-up tasks', paper: 'GLUE' }, mainTable: 'table2' }],
    tables,
    records: all,
    reproduce: ({ runInfo: { task, method, seed } }) => ({
      commands: [`npx nx run nlu:${task} --method=${method} --seed=${seed}`],
    }),
    audit: audit(paper),
    figures: [],
    links: {
      results: '..',
      documents: [{ href: '../../docs/audit.md', title: 'The audit', about: 'every rule' }],
    },
    ...more,
  };
}

const dataOf = (page: string): PageData =>
  JSON.parse(/<script type="application\/json" id="page-data">(.*?)<\/script>/s.exec(page)![1]!);
const runsOf = ({ runs: { fields, rows, shared } }: PageData) =>
  rows.map(
    (row) =>
      Object.fromEntries(
        fields.map((field, at) => [
          field,
          ['config', 'sources', 'environment', 'parameters', 'seeds'].includes(field)
            ? shared[row[at] as number]
            : row[at],
        ]),
      ) as unknown as PageRun,
  );
/** What one profile shows: from its mark to the end of the section. */
const shownIn = (page: string, profile: string) =>
  page
    .slice(page.indexOf('<main'), page.indexOf('</main>'))
    .split(/(?=<div data-profile="|<\/section>)/)
    .filter((part) => part.startsWith(`<div data-profile="${profile}"`))
    .join('\n');

describe('the file', () => {
  let page: string;
  beforeAll(async () => {
    page = await buildReport(inputOf(records()));
  }, 60_000);

  test('is well-formed; ids are unique, and what names one finds it', () => {
    const tags = readHtml(page);
    const ids = tags.flatMap(({ attributes }) => attributes.get('id') ?? []);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { attributes } of tags) {
      // The title of the dialog comes with the dialog.
      for (const name of ['for', 'aria-labelledby', 'aria-describedby'])
        if (attributes.has(name) && attributes.get(name) !== 'details-title')
          expect(ids).toContain(attributes.get(name));
      const href = attributes.get('href');
      if (href?.startsWith('#')) expect(ids).toContain(href.slice(1));
    }
  });

  test('asks for nothing from anywhere, and runs no script but its own', () => {
    const tags = readHtml(page);
    for (const { name, attributes } of tags) {
      expect(
        [...attributes.keys()].filter(
          (one) => ['src', 'srcset', 'action', 'ping'].includes(one) || one.startsWith('on'),
        ),
      ).toEqual([]);
      if (attributes.get('href')?.startsWith('http')) expect(name).toBe('a');
      if (name === 'link') expect(attributes.get('href')).toBe('data:,');
    }
    const [style] = /<style>[\s\S]*?<\/style>/.exec(page)!;
    expect(style).not.toMatch(/@import|url\((?!#)/);
    const script = /<script>([\s\S]*?)<\/script>/.exec(page)![1]!;
    const policy = tags
      .find(({ attributes }) => attributes.get('http-equiv') === 'Content-Security-Policy')!
      .attributes.get('content')!;
    const hash = createHash('sha256').update(script).digest('base64');
    expect(policy).toContain('default-src &#39;none&#39;');
    expect(policy).toContain(`&#39;sha256-${hash}&#39;`);
  });

  test('is the same for the same records, and tells of others', async () => {
    expect(await buildReport(inputOf(records()))).toBe(page);
    const other = await buildReport(inputOf(records().slice(1)));
    const digest = (text: string) => /digest <code>([0-9a-f]{12})</.exec(text)![1];
    expect(digest(other)).not.toBe(digest(page));
  });

  test('brings the licences of what is in its script', () => {
    const licences = page.slice(page.indexOf('<details class="licences">'));
    for (const name of ['vega 6.2.0', 'd3-scale', 'vega-dataflow']) expect(licences).toContain(name);
    expect(licences).toContain('Redistribution and use in source and binary forms');
  });

  test('shows none of the paper’s values in the tiny profile, and says what that profile is not', () => {
    const [tiny, other] = ['tiny', 'paper'].map((profile) => shownIn(page, profile)) as [string, string];
    expect(tiny).toContain('it says nothing about the paper’s numbers');
    expect(tiny).not.toContain('class="paper"');
    expect(tiny).not.toContain('70.42');
    expect(other).toContain('70.42');
    expect(other).not.toContain('95.00');
  });

  test('has the verdict in words, with numbers', () => {
    const tiny = shownIn(page, 'tiny');
    const card = tiny.slice(tiny.indexOf('<article class="card"')).replace(/<[^>]+>/g, '');
    expect(card).toContain('PSOFT reaches 80.0 ± 1.0');
    expect(card).toContain('second of 3 ranked methods');
    expect(card).toContain('The best rival, DoRA, reaches 82.0 ± 1.0 with as many');
    expect(card).toContain('behind DoRA');
    expect(card).toContain('Every cell of its tables is filled.');
    const printed = shownIn(page, 'paper').replace(/<[^>]+>/g, '');
    expect(printed).toContain('Nothing of our own is recorded in this profile yet. The paper prints');
    expect(printed).toContain('npx nx run nlu:table2 -c paper');
  });

  test('hands every run to its script, whole and linked to its cells', () => {
    const data = dataOf(page);
    const runs = runsOf(data);
    expect(runs).toHaveLength(24);
    const record = records()[5]!;
    const run = runs[5]!;
    expect(run).toMatchObject({
      ...{ profile: 'tiny', experiment: 'nlu', hash: record.runInfo.configHash, seed: record.runInfo.seed },
      config: { trainConfig: record.runInfo.trainConfig, adapterConfig: record.runInfo.adapterConfig },
      environment: { codeInfo: { commit: 'e'.repeat(40) }, systemInfo: { cpuModel: 'some cpu' } },
      commands: [expect.stringContaining('--seed=')],
    });
    expect(run.epochs.trainLoss).toHaveLength(record.trainInfo.metrics.length);
    expect(run.epochs.trainLoss![0]).toBeCloseTo(record.trainInfo.metrics[0]!.trainLoss!, 4);
    // Parts that are alike are there once.
    expect(data.runs.shared.length).toBeLessThan(20);
    const table = data.tables.find(({ profile }) => profile === 'tiny')!;
    const behind = table.tasks.avg!.flatMap((task) => table.runs.dora![task]!);
    expect(behind.map((at) => runs[at]!.method)).toEqual(Array(6).fill('dora'));
    expect(new Set(behind).size).toBe(6);
    const curve = data.curves.find(({ task }) => task === 'cola')!;
    expect(curve.methods.map(({ key, runs: own }) => [key, own.length])).toEqual([
      ['full', 3],
      ['lora', 3],
      ['dora', 3],
      ['psoft', 3],
    ]);
    expect(page).toContain('data-curve="curve-tiny-nlu-cola"');
  });
});

test('what a record says is text, wherever it stands', async () => {
  const evil = '</script><script>window.pwned = 1</script><!-- "\'<img src=x onerror=alert(1)>&';
  const all = records((record) => ({
    ...record,
    metaInfo: {
      ...record.metaInfo,
      modelInfo: { ...record.metaInfo.modelInfo, name: 'deberta-tiny', revision: evil },
      systemInfo: { ...record.metaInfo.systemInfo, cpuModel: evil, accelerator: evil },
      packageInfo: { [evil]: evil },
    },
    referenceScore: { metric: 'matthews', value: 1, source: evil },
  })).map(sealed);
  const input = inputOf(all, { reproduce: () => ({ reason: evil }) });
  const tables = input.tables.map((one) => ({
    ...one,
    table: {
      ...one.table,
      ...{ title: `Table ${evil}`, caption: evil, notes: [evil], commands: [evil] },
      model: { name: evil, fingerprint: 'f' },
      filled: { cells: 1, of: 2 },
      columns: one.table.columns.map((column) => ({ ...column, title: evil, group: evil })),
      rows: one.table.rows.map((row) => ({ ...row, method: evil, setting: evil })),
    },
  }));
  const experiments = [{ name: 'nlu', titles: { tiny: evil, paper: evil }, mainTable: 'table2' }];
  const page = await buildReport({ ...input, tables, experiments });
  expect(page).not.toContain('<script>window.pwned');
  expect(page).not.toContain('<img');
  expect(page).not.toContain('</script><script>window');
  expect(readHtml(page).filter(({ name }) => name === 'script')).toHaveLength(2);
  // It is there as text: in the static part, and in the data.
  expect(page).toContain('&lt;script&gt;window.pwned = 1');
  const [first] = runsOf(dataOf(page));
  expect(first!.environment.systemInfo).toMatchObject({ cpuModel: evil });
  expect(first!.noCommand).toBe(evil);
});

test('without a record it says what to run', async () => {
  const page = await buildReport(inputOf([]));
  readHtml(page);
  expect(shownIn(page, 'tiny')).toContain('not run yet');
  expect(page).toContain('No run of this profile is recorded yet');
  expect(runsOf(dataOf(page))).toEqual([]);
});
