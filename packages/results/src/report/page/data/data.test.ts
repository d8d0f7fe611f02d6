import { describe, expect, test } from 'vitest';
import { sampleRecord } from '../../../../test/records.ts';
import type { ReportColumn, ReportRow, ReportTable } from '../../tables/index.ts';
import { placeLabels } from '../charts/placeLabels.ts';
import { compactSvg } from '../charts/staticSvg.ts';
import { escapeHtml, html, scriptJson } from '../html/markup.ts';
import { shortCount } from '../html/overview.ts';
import { styleOf } from '../methods.ts';
import { meanCurve } from './curves.ts';
import { frontiersOf } from './frontiers.ts';
import { measuredTogether } from './together.ts';
import { verdictOf } from './verdict.ts';

const column = (id: string, kind: ReportColumn['kind'], more: Partial<ReportColumn> = {}): ReportColumn => ({
  ...{ id, title: id, kind, digits: 1 },
  ...(kind === 'score' || kind === 'mean' ? { better: 'higher' } : {}),
  ...more,
});

interface Given {
  readonly role?: 'apart';
  readonly params: number;
  readonly [column: string]: number | 'apart' | undefined;
}

function tableOf(columns: readonly ReportColumn[], rows: Readonly<Record<string, Given>>): ReportTable {
  return {
    ...{ id: 'table2', title: 'Table 2', caption: '', profile: 'tiny', experiment: 'nlu', seeds: [1] },
    columns: [column('params', 'parameters'), ...columns],
    rows: Object.entries(rows).map(
      ([key, { role, ...values }]): ReportRow => ({
        ...{ key, method: key.toUpperCase(), setting: '', group: 0, role: role ?? 'ranked' },
        cells: Object.fromEntries(
          Object.entries(values).map(([id, mean]) => [
            id,
            { ours: { mean: mean as number, n: 1, seeds: [1] } },
          ]),
        ),
      }),
    ),
    ...{ notes: [], commands: [], filled: { cells: 1, of: 1 } },
  };
}

const ROWS = {
  full: { role: 'apart', params: 9000, a: 90, b: 100, avg: 95 },
  head: { role: 'apart', params: 0, a: 40, b: 50, avg: 45 },
  lora: { params: 500, a: 80, b: 90, avg: 85 },
  vera: { params: 50, a: 70, b: 80, avg: 75 },
  psoft: { params: 100, a: 60, b: 80, avg: 70 },
} as const satisfies Record<string, Given>;

describe('verdicts', () => {
  const average = [column('a', 'score'), column('b', 'score'), column('avg', 'mean')];

  test('rank PSOFT among the ranked, and measure it between the bounds', () => {
    const verdict = verdictOf(tableOf(average, ROWS));
    expect(verdict.standings.map(({ row }) => row.key)).toEqual(['full', 'lora', 'vera', 'psoft', 'head']);
    expect(verdict).toMatchObject({ scoreTitle: 'average over tasks', place: { at: 3, of: 3 }, share: 0.5 });
    expect(verdict.rival!.row.key).toBe('lora');
    // LoRA is better for more parameters, VeRA for fewer.
    expect(verdict.dominatedBy.map(({ row }) => row.key)).toEqual(['vera']);
  });

  test('average the scores of a table that has no average, of rows that have all', () => {
    const { a: _, ...noScoreOfA } = ROWS.vera;
    const verdict = verdictOf(tableOf(average.slice(0, 2), { ...ROWS, vera: noScoreOfA }));
    expect(verdict.scoreTitle).toBe('mean of a and b');
    expect(verdict.standings.map(({ row, score }) => [row.key, score])).toEqual([
      ['full', 95],
      ['lora', 85],
      ['psoft', 70],
      ['head', 45],
    ]);
    expect(verdict.test).toBeUndefined();
  });

  test('take means of groups for no average, and say nothing where nothing is', () => {
    const grouped = [column('a', 'score'), column('g', 'mean', { group: 'Natural' })];
    expect(verdictOf(tableOf(grouped, ROWS)).scoreTitle).toBe('a');
    expect(verdictOf(tableOf(average, {}))).toEqual({
      scoreTitle: 'average over tasks',
      digits: 1,
      standings: [],
      dominatedBy: [],
    });
    const { psoft: _, ...others } = ROWS;
    const verdict = verdictOf(tableOf(average, others));
    expect(verdict.place).toBeUndefined();
    expect(verdict.dominatedBy).toEqual([]);
  });
});

test('frontiers: costs are means over trainings; what trains no adapter is a level', () => {
  const table = tableOf([column('avg', 'mean')], ROWS);
  const trainings = new Map(
    Object.entries(ROWS).map(([key, { params }]) => [
      key,
      [1, 2].map((seed) => sampleRecord({ seed, method: key, trainable: params, epochs: 2 })),
    ]),
  );
  const { charts, notes } = frontiersOf({ table, trainings, records: new Map(), tasks: new Map() });
  expect(notes).toEqual(['Measured on some cpu, 2 cores, cpu, 2 threads.']);
  expect(charts.map(({ id }) => id.split('-').at(-1))).toEqual(['parameters', 'memory', 'time']);
  const [parameters] = charts;
  expect(parameters!.points.map(({ label, cost }) => [label, cost])).toEqual([
    ['FULL', 9000],
    ['LORA', 500],
    ['VERA', 50],
    ['PSOFT', 100],
  ]);
  expect(parameters!.levels).toEqual([{ score: 45, label: 'HEAD 45.0' }]);
  expect(parameters!.front.map(({ cost }) => cost)).toEqual([50, 500, 9000]);
  expect(charts[1]!.points[0]!.cost).toBeCloseTo(0.7, 9);
  const nothing = { table: tableOf([], {}), trainings, records: new Map(), tasks: new Map() };
  expect(frontiersOf(nothing)).toEqual({ charts: [], notes: [] });
});

describe('measured together', () => {
  const on = (cpuModel: string, method: string, seeds: readonly number[]) =>
    seeds.map((seed) => {
      const record = sampleRecord({ method, seed });
      const systemInfo = { ...record.metaInfo.systemInfo, cpuModel };
      return { ...record, metaInfo: { ...record.metaInfo, systemInfo } };
    });
  const seedsOf = (together: ReturnType<typeof measuredTogether>) =>
    [...together.trainings].map(([key, records]) => [key, records.map(({ runInfo }) => runInfo.seed)]);

  test('is what one machine ran, of the tasks and seeds that every method has', () => {
    const together = measuredTogether(
      new Map([
        ['psoft', on('old', 'psoft', [1, 2, 3])],
        ['lora', [...on('old', 'lora', [1, 2]), ...on('new', 'lora', [3])]],
        ['oft', on('new', 'oft', [1])],
        ['vera', on('old', 'vera', [2])],
      ]),
    );
    expect(seedsOf(together)).toEqual([
      ['psoft', [2]],
      ['lora', [2]],
      ['vera', [2]],
    ]);
    expect(together.notes).toEqual([
      'Measured on old, 2 cores, cpu, 2 threads.',
      'Left out: 2 records of other machines, devices or settings of them.',
      'Left out: 3 records of tasks and seeds that not every method ran there.',
    ]);
  });

  test('is nothing where nothing is common, and where nothing is', () => {
    const apart = new Map([
      ['psoft', on('old', 'psoft', [1])],
      ['lora', on('old', 'lora', [2])],
    ]);
    expect(seedsOf(measuredTogether(apart))).toEqual([]);
    expect(measuredTogether(new Map())).toEqual({ trainings: new Map(), notes: [] });
  });
});

describe('names beside marks', () => {
  const plot = { width: 300, height: 200, margin: 10, taken: [] };
  const mark = (label: string, x: number, y: number, isOurs = false) => ({ label, x, y, radius: 5, isOurs });

  test('lie on no mark and on no other name', () => {
    const marks = [
      mark('aaaa', 100, 100, true),
      mark('bbbb', 112, 100),
      mark('cccc', 100, 112),
      mark('dddd', 290, 50),
    ];
    const placed = placeLabels(marks, plot);
    const boxes = placed.map(({ label, x, y, align }) => {
      const width = 6 * label.length;
      const left = align === 'left' ? x : align === 'right' ? x - width : x - width / 2;
      return [left, left + width, y - 6, y + 6] as const;
    });
    const meet = (a: readonly number[], b: readonly number[]) =>
      a[0]! < b[1]! && b[0]! < a[1]! && a[2]! < b[3]! && b[2]! < a[3]!;
    for (const [i, a] of boxes.entries()) for (const b of boxes.slice(i + 1)) expect(meet(a, b)).toBe(false);
    for (const box of boxes)
      for (const { x, y } of marks) expect(meet(box, [x - 4, x + 4, y - 4, y + 4])).toBe(false);
    // The last has no room on its right.
    expect(placed.find(({ label }) => label === 'dddd')!.align).toBe('right');
  });

  test('avoid lines, and ours comes first', () => {
    const line = { left: 106, right: 200, top: 99, bottom: 101 };
    const [first] = placeLabels([mark('x', 20, 20), mark('ours', 100, 100, true)], {
      ...plot,
      taken: [line],
    });
    expect(first).toMatchObject({ label: 'ours', align: 'right' });
  });
});

describe('means of curves', () => {
  test('are of the epochs that every seed reached', () => {
    expect(
      meanCurve([
        { epoch: [1, 2, 3], value: [1, 2, 9] },
        { epoch: [1, 2], value: [3, 4] },
      ]),
    ).toEqual([
      { epoch: 1, value: 2 },
      { epoch: 2, value: 3 },
    ]);
  });
  test('leave out what was not measured', () => {
    expect(meanCurve([{ epoch: [1, 2], value: [null, 4] }])).toEqual([{ epoch: 2, value: 4 }]);
    expect(meanCurve([{ epoch: [1], value: [] }])).toEqual([]);
  });
});

test('kin look alike and are told apart; strangers are marked as such', () => {
  expect(styleOf('lora', 'LoRA').colour).toBe(styleOf('dora', 'DoRA').colour);
  expect(styleOf('lora', 'LoRA').dash).not.toEqual(styleOf('dora', 'DoRA').dash);
  expect(styleOf('psoft', 'PSOFT').shape).not.toBe(styleOf('oft', 'OFTv2').shape);
  expect(styleOf('newcomer', 'New')).toMatchObject({ family: 'other', label: 'New' });
});

describe('markup', () => {
  test('escapes what is put in, and leaves alone what is HTML already', () => {
    expect(
      html`<p title="${'"<&\''}">${'<b>'}${html`<i>${1}</i>`}${undefined}${false}${['a', 'b']}</p>`.text,
    ).toBe('<p title="&quot;&lt;&amp;&#39;">&lt;b&gt;<i>1</i>ab</p>');
    expect(escapeHtml('a & b')).toBe('a &amp; b');
  });
  test('keeps JSON inside its element, and the same JSON', () => {
    const value = { text: '</script><!--\u2028' };
    expect(scriptJson(value)).not.toMatch(/<|\u2028/);
    expect(JSON.parse(scriptJson(value))).toEqual(value);
  });
});

test('drawings get ids of their own and no labels for every mark', () => {
  const svg =
    '<svg class="marks" width="20" height="10" viewBox="0 0 20 10"><defs><clipPath id="clip0"><path d="M0.123456,1.5"/></clipPath></defs><g clip-path="url(#clip0)" role="graphics-object" aria-label="many"><text>0.123456</text></g></svg>';
  const small = compactSvg(svg, 'chart', html`${'a "b"'}`);
  expect(small).toContain('id="chart-clip0"');
  expect(small).toContain('url(#chart-clip0)');
  expect(small).toContain('d="M0.1,1.5"');
  expect(small).toContain('<text>0.123456</text>');
  expect(small).not.toContain('graphics-object');
  expect(small).toContain('aria-label="a &quot;b&quot;"');
  expect(() => compactSvg('text', 'chart', html``)).toThrow('chart: not a drawing');
});

test('counts are short and keep three digits', () => {
  expect([0, 999, 13_440, 117_504, 2_591_232].map(shortCount)).toEqual([
    '0',
    '999',
    '13.4k',
    '118k',
    '2.59M',
  ]);
});
