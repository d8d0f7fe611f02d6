import { beforeAll, describe, expect, test } from 'vitest';
import { anglesOf, benchOf, everyBench, everyRecord, planOf, recordsOf } from '../../../test/figures.ts';
import { sealed } from '../../../test/records.ts';
import type { Angles } from '../../angles/index.ts';
import type { BenchRecord } from '../../bench/index.ts';
import { renderPng, renderSvg, THEME_NAMES } from '../../charts/index.ts';
import { type Paper, readPaper } from '../../paper/index.ts';
import type { RunRecord } from '../../schema.ts';
import { buildFigure, captionsOf, FIGURES, type ReportFigure, specificationOf } from './index.ts';

let paper: Paper;
beforeAll(async () => {
  paper = await readPaper();
});

const specOf = (id: string) => FIGURES.find((spec) => spec.id === id)!;
const IDS = FIGURES.map(({ id }) => id);

function build(
  id: string,
  records: readonly RunRecord[],
  profile = 'tiny',
  angles: ReadonlyMap<string, Angles> = new Map(),
  benches: readonly BenchRecord[] = [],
): ReportFigure {
  const plan = (place: Parameters<typeof planOf>[0]) => planOf(place, profile);
  return buildFigure({ spec: specOf(id), paper, profile, records, angles, plan, benches });
}

const ofBenches = (id: string, benches: readonly BenchRecord[], profile = 'tiny') =>
  build(id, [], profile, new Map(), benches);

const isMeasured = (record: RunRecord) =>
  record.runInfo.task === 'cola' && (record.runInfo.trainConfig as { key?: string }).key !== undefined;
const measured = (records: readonly RunRecord[]) =>
  new Map(records.filter(isMeasured).map((one, i) => [one.runInfo.configHash, anglesOf(one, i + 1)]));
const SIZE = /^<svg [^>]*width="(\d+)" height="(\d+)"/;
const dataOf = (figure: ReportFigure) => JSON.stringify(figure.chart);
/** Values of all layers that have a field. */
function valuesWith(figure: ReportFigure, field: string): Record<string, unknown>[] {
  const found: Record<string, unknown>[] = [];
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(visit);
    else if (typeof value === 'object' && value !== null) {
      if (field in value) found.push(value as Record<string, unknown>);
      Object.values(value).forEach(visit);
    }
  };
  visit(figure.chart);
  return found;
}

describe.each(['tiny', 'paper'])('every figure, profile %s', (profile) => {
  const records = everyRecord(profile);
  const benches = everyBench(profile);

  test.each(IDS)('%s is drawn in both themes, the same whatever the order of records', async (id) => {
    const figure = build(id, records, profile, measured(records), benches);
    expect(figure.chart).toBeDefined();
    expect(figure.commands).toEqual([]);
    expect(figure.from.records).toBeGreaterThan(0);
    const reversed = [...benches].reverse();
    const again = build(id, [...records].reverse(), profile, measured(records), reversed);
    for (const theme of THEME_NAMES) {
      const svg = await renderSvg(specificationOf(figure, theme));
      expect(svg).not.toMatch(/NaN|undefined|Infinity/);
      expect(await renderSvg(specificationOf(again, theme))).toBe(svg);
    }
    // Plain JSON, for the page.
    expect(JSON.parse(JSON.stringify(figure))).toEqual(figure);
  });

  test.each(IDS)('%s without records names what fills it', (id) => {
    const figure = build(id, [], profile);
    const hasPaper = profile === 'paper' && ['figure3', 'figure4b'].includes(id);
    expect(figure.chart !== undefined).toBe(hasPaper);
    expect(figure.from.records).toBe(0);
    expect(figure.commands.length).toBeGreaterThan(0);
    for (const command of figure.commands)
      expect(command).toMatch(
        profile === 'paper'
          ? /^npx nx run \w+:\w+ -c paper( --[\w=,.-]+)*$/
          : /^npx nx run \w+:\w+( --[\w=,.-]+)*$/,
      );
    if (!hasPaper) expect(() => specificationOf(figure)).toThrow(`${figure.title} has nothing to draw yet`);
  });
});

test('the tiny profile shows none of the paper’s values', () => {
  const records = everyRecord('tiny');
  for (const id of ['figure3', 'figure4b']) {
    const figure = build(id, records);
    expect(figure.caption).toContain('no statement about the paper');
    expect(valuesWith(figure, 'series').some(({ series }) => series === 'paper')).toBe(false);
    const shown = valuesWith(build(id, everyRecord('paper'), 'paper'), 'series');
    expect(shown.some(({ series }) => series === 'paper')).toBe(true);
  }
  expect(dataOf(build('figure3', [], 'paper'))).toContain('51.63');
  expect(dataOf(build('figure3', records))).not.toContain('51.63');
});

test('records of another profile are not drawn', () => {
  const [records, benches] = [everyRecord('paper'), everyBench('paper')];
  for (const id of IDS) expect(build(id, records, 'tiny', new Map(), benches).chart).toBeUndefined();
});

test('Figure 3: means and deviations over seeds, in the paper’s order', () => {
  const figure = build('figure3', everyRecord('tiny'));
  const points = valuesWith(figure, 'y').filter(({ y, low }) => typeof y === 'number' && low === undefined);
  // Twice: marks and labels. Scores are 50 + place + seed.
  expect(points.slice(0, 4).map(({ x, y }) => [x, y])).toEqual([
    ['none', 51.5],
    ['only α', 52.5],
    ['only β', 53.5],
    ['α and β', 54.5],
  ]);
  const [first] = valuesWith(figure, 'low');
  expect((first!.high as number) - (first!.low as number)).toBeCloseTo(2 * Math.SQRT1_2, 12);
  expect(figure.from).toMatchObject({ records: 8, seeds: [1, 2], tasks: ['math/gsm8k'] });
});

describe('Figure 4b of runs, for want of benches', () => {
  const source = specOf('figure4b').sources[1]!;
  const speeds = (figure: ReportFigure) =>
    Object.fromEntries(valuesWith(figure, 'speed').map(({ method, speed }) => [method, speed]));

  test('is relative to the slowest of the panel', () => {
    const figure = build('figure4b', recordsOf(source, 'tiny'));
    // Steps take 100 ms times the place in Table 4: full, goft, qgoft, boft, oft, lora, pissa, dora, lora-xs, psoft.
    expect(speeds(figure)).toEqual({
      ...{ qGOFTv2: 1000 / 300, GOFTv2: 1000 / 200, BOFT: 1000 / 400 },
      ...{ DoRA: 1000 / 800, PSOFT: 1, LoRA: 1000 / 600 },
    });
    expect(figure.notes).toContain('Measured on some cpu, 2 cores, cpu, 2 threads.');
    // The benches and the other panels are missing.
    expect(figure.commands).toHaveLength(4);
    expect(figure.commands[0]).toBe('npx nx run bench:speed');
    expect(figure.caption).toContain('for want of bench records');
  });

  test('never mixes machines: that of the most methods counts, and the others are told of', () => {
    const other = (record: RunRecord, place: number): RunRecord =>
      place === 5
        ? {
            ...record,
            metaInfo: { ...record.metaInfo, systemInfo: { ...record.metaInfo.systemInfo, threads: 1 } },
          }
        : record;
    const figure = build('figure4b', recordsOf(source, 'tiny', other).map(sealed));
    expect(speeds(figure)).not.toHaveProperty('LoRA');
    expect(speeds(figure).GOFTv2).toBe(5);
    expect(figure.notes).toContain('Left out: 2 records of other machines, devices or settings of them.');
    expect(figure.from.records).toBe(10);
  });

  test('one method alone has nothing to be compared with', () => {
    const one = recordsOf(source, 'tiny').filter(({ runInfo }) => runInfo.method === 'lora');
    expect(one.length).toBeGreaterThan(0);
    expect(build('figure4b', one).chart).toBeUndefined();
  });
});

describe('Figure 4b of benches', () => {
  const speeds = (figure: ReportFigure) =>
    Object.fromEntries(valuesWith(figure, 'speed').map(({ method, speed }) => [method, speed]));

  test('is of the size of which most methods were timed on one machine, relative to the slowest', () => {
    const figure = ofBenches('figure4b', [
      ...(['goft', 'boft', 'psoft'] as const).map((method, i) =>
        benchOf('tiny', method, 16, { cpuMilliseconds: 10 * (i + 1), bestStepMilliseconds: 1 }),
      ),
      ...(['goft', 'psoft'] as const).map((method) => benchOf('tiny', method, 64, { cpuMilliseconds: 7 })),
      // Wall times of shared cores say nothing, and another machine nothing of this one.
      benchOf('tiny', 'lora', 16, { bestStepMilliseconds: 1 }),
      benchOf('tiny', 'dora', 16, { cpuMilliseconds: 1 }, { system: { cores: 4 } }),
      benchOf('tiny', 'qgoft', 16, 'out of memory'),
      // A trial.
      benchOf('tiny', 'lora', 16, { cpuMilliseconds: 1 }, { point: { recompute: true } }),
    ]);
    expect(speeds(figure)).toEqual({ GOFTv2: 3, 'BOFT b=8 m=2': 1.5, 'PSOFT r=46': 1 });
    expect(figure.caption).toContain('vit, 2 layers of width 64, batch 16 x 197');
    expect(figure.notes).toEqual([
      'Measured on CPU, 2 cores, cpu, float32; Node 20.20.2, onnxruntime-node 1.30.0; code c0dec0de.',
      'qGOFTv2 at batch 16: out of memory.',
      'Left out: 2 records of this size, of other machines or devices, or without the CPU’s time.',
    ]);
    expect(figure.commands).toEqual(['npx nx run bench:speed --methods=lora,dora']);
    expect(figure.from).toMatchObject({ records: 3, shapes: ['vit, 2 layers of width 64'] });
  });

  test('takes the best step on a card, and shows the paper’s panels beside it in its profile', () => {
    const card = { system: { executionProvider: 'cuda', accelerator: 'H100' } };
    const figure = ofBenches(
      'figure4b',
      (['boft', 'psoft'] as const).map((method, i) =>
        benchOf('paper', method, 64, { bestStepMilliseconds: 4 - 2 * i, cpuMilliseconds: 1 }, card),
      ),
      'paper',
    );
    expect(speeds(figure)).toMatchObject({ 'BOFT b=8 m=2': 1, 'PSOFT r=46': 2 });
    expect(dataOf(figure)).toContain('LLaMA-3.1-8B: Q, V; the paper');
    expect(figure.caption).toContain('best time');
  });

  test('one method alone leaves it to the runs', () => {
    const alone = [benchOf('tiny', 'psoft', 16, { cpuMilliseconds: 7 })];
    expect(ofBenches('figure4b', alone).chart).toBeUndefined();
  });
});

describe('Figure 4a of benches', () => {
  test('is a line a method over the batches of Table 22, of one machine', () => {
    const figure = ofBenches('figure4a', [
      ...([16, 32] as const).map((batch) => benchOf('tiny', 'goft', batch, { peakMemoryBytes: batch * 1e7 })),
      ...([16, 32] as const).map((batch) => benchOf('tiny', 'lora', batch, { peakMemoryBytes: batch * 2e7 })),
      benchOf('tiny', 'goft', 64, 'ended by SIGKILL'),
      benchOf('tiny', 'lora', 64, {}, { system: { cores: 4 } }),
      benchOf('tiny', 'boft', 16, {}),
      // Not the table's.
      benchOf('tiny', 'dora', 16, {}, { point: { layers: 3 } }),
      benchOf('tiny', 'dora', 32, {}, { point: { precision: 'bf16' } }),
      benchOf('tiny', 'dora', 2, {}),
    ]);
    const points = valuesWith(figure, 'gigabytes').filter((value) => !('symbol' in value));
    expect(points).toEqual([
      { series: 'GOFTv2', batch: 16, gigabytes: 0.16 },
      { series: 'GOFTv2', batch: 32, gigabytes: 0.32 },
      { series: 'LoRA r=8', batch: 16, gigabytes: 0.32 },
      { series: 'LoRA r=8', batch: 32, gigabytes: 0.64 },
    ]);
    expect(figure.notes).toEqual([
      'Measured on CPU, 2 cores, cpu, float32; Node 20.20.2, onnxruntime-node 1.30.0; code c0dec0de.',
      'GOFTv2 at batch 64: ended by SIGKILL.',
      'Left out: 1 record of other machines or devices.',
      'Of one batch size only, and no line: BOFT b=8 m=2.',
    ]);
    expect(figure.commands).toEqual(['npx nx run bench:memory --methods=qgoft,boft,psoft,lora']);
    expect(figure.from.records).toBe(4);
    expect(captionsOf([figure], 'tiny')).toContain('- 4 bench records of vit, 2 layers of width 64');
  });
});

test('Figure 4a of runs: of the process in the tiny profile, of the device in the paper’s', () => {
  const gigabytes = (profile: string) =>
    valuesWith(build('figure4a', everyRecord(profile), profile), 'gigabytes')[0]!.gigabytes;
  expect([gigabytes('tiny'), gigabytes('paper')]).toEqual([1, 2]);
});

test('Figure 8b: speeds are relative to the exact map', () => {
  const speeds = valuesWith(build('figure8b', everyRecord('tiny')), 'speed');
  expect(speeds.slice(0, 4)).toEqual(
    [1, 2, 3, 4].map((place, i) => ({ terms: ['1', '3', '5', '10'][i], speed: 500 / (100 * place) })),
  );
});

describe('Figures 9 and 10', () => {
  const records = recordsOf(specOf('figure9').sources[0]!, 'tiny').map(sealed);
  const ofSeed1 = records.filter(({ runInfo }) => runInfo.seed === 1);

  test('name the runs that are not measured, and the rank that they are compared at', () => {
    const figure = build('figure9', records, 'tiny', new Map([...measured(ofSeed1)].slice(0, 1)));
    expect(figure.chart).toBeDefined();
    expect(figure.commands).toHaveLength(2);
    expect(figure.commands[0]).toMatch(
      /^npx nx run results:angles runs\/tiny\/nlu\/cola\/psoft-s1-[0-9a-f]{8}$/,
    );
    expect(figure.commands[1]).toMatch(/^npx nx run results:angles --rank=4 runs\/tiny\/nlu\/cola\/lora-s1-/);
    const none = build('figure10', records);
    expect(none.chart).toBeUndefined();
    expect(none.commands).toHaveLength(3);
  });

  test('tell what moved, and leave out what was measured otherwise', () => {
    const [strict, relaxed, lora] = ofSeed1 as [RunRecord, RunRecord, RunRecord];
    const angles = new Map([
      [strict.runInfo.configHash, anglesOf(strict, 0.0000123)],
      [relaxed.runInfo.configHash, anglesOf(relaxed, 2)],
      [lora.runInfo.configHash, anglesOf(lora, 9, 8)],
    ]);
    const { notes, from } = build('figure9', records, 'tiny', angles);
    expect(notes).toContain(
      'PSOFT, strict: largest change of an angle 0.000012°, mean 0.0000062°; of a norm 1 %.',
    );
    expect(notes.join(' ')).toContain('base model than PSOFT, strict: LoRA.');
    expect(from.records).toBe(2);
  });
});

test('captions name records, seeds and commands of every figure, drawn or not', () => {
  const records = everyRecord('tiny').filter(({ runInfo }) => runInfo.experiment !== 'math');
  const text = captionsOf(
    IDS.map((id) => build(id, records)),
    'tiny',
  );
  for (const { title } of FIGURES) expect(text).toContain(title);
  expect(text).toContain('![Figure 11](figure11.svg)');
  expect(text).toMatch(/## No data yet[\s\S]*\*\*Figure 3\.\*\*[\s\S]*npx nx run math:figure3/);
  expect(text).toContain('8 records of nlu/cola, seeds 1, 2; base model deberta-tiny (a1a1a1a1).');
});

test('PNGs are twice as large as the drawing, the same bytes each time, and have letters', async () => {
  const svg = await renderSvg(specificationOf(build('figure3', everyRecord('tiny'))));
  const [, width, height] = SIZE.exec(svg)!.map(Number);
  const png = await renderPng(svg);
  const view = new DataView(png.buffer, png.byteOffset);
  expect(Buffer.from(png.subarray(1, 4)).toString()).toBe('PNG');
  expect([view.getUint32(16), view.getUint32(20)]).toEqual([2 * width!, 2 * height!]);
  expect(Buffer.from(await renderPng(svg)).equals(Buffer.from(png))).toBe(true);
  const silent = await renderPng(svg.replace(/>[^<>\n]+<\/text>/g, '></text>'));
  expect(silent.length).toBeLessThan(0.8 * png.length);
});
