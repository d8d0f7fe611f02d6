import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { evaluationRecord, SAMPLES, sampleRecord, trainingRecord } from '../../test/records.ts';
import { learningCurves } from './learningCurves.ts';
import { describeParameters, methodComparison } from './methodComparison.ts';
import { renderCharts, renderSvg } from './render.ts';
import { domainOf } from './specification.ts';
import { COLOURS, styleScales } from './theme.ts';

const count = (svg: string, pattern: RegExp) => svg.match(pattern)?.length ?? 0;
/** All texts of a drawing, in order. */
const texts = (svg: string) => [...svg.matchAll(/<(?:text|tspan)[^>]*>([^<]+)</g)].map(([, text]) => text!);
/** Paths of the lines of one width. */
const lines = (svg: string, width: number) =>
  [...svg.matchAll(/<path [^>]*>/g)]
    .map(([tag]) => tag)
    .filter((tag) => tag.includes(`stroke-width="${width}"`) && tag.includes('d="M'));
/** [x, y] of the centres of marks within groups of a class. */
const centres = (svg: string) =>
  [...svg.matchAll(/transform="translate\(([\d.-]+),([\d.-]+)\)" d="M[^"]*A/g)].map(([, x, y]) => [
    Number(x),
    Number(y),
  ]);

describe('learningCurves', () => {
  it('draws a mean line for each method and a thin one for each seed, for metric and loss', async () => {
    const svg = await renderSvg(learningCurves(SAMPLES));
    const thin = lines(svg, 1).filter((tag) => tag.includes('opacity="0.4"'));
    expect(thin).toHaveLength(2 * 9);
    const bold = lines(svg, 2.5).filter((tag) => count(tag, /L/g) === 5);
    expect(bold).toHaveLength(2 * 3);
    for (const [index, colour] of COLOURS.slice(0, 3).entries())
      expect(
        bold.filter((tag) => tag.includes(`stroke="${colour}"`)),
        `line ${index}`,
      ).toHaveLength(2);
    expect(texts(svg)).toEqual(
      expect.arrayContaining([
        'nlu/cola: learning curves',
        'profile tiny',
        'head',
        'lora',
        'psoft',
        'epoch',
        'training loss',
        'matthews, selection split',
      ]),
    );
  });

  it('puts the mean over seeds where it belongs', () => {
    const { vconcat } = learningCurves(SAMPLES) as unknown as {
      vconcat: {
        hconcat: { layer: { data: { values: { method: string; epoch: number; value: number }[] } }[] }[];
      }[];
    };
    const means = vconcat[0]!.hconcat[0]!.layer[1]!.data.values;
    const ofPsoft = means.filter(({ method }) => method === 'psoft');
    expect(ofPsoft.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(ofPsoft[5]!.value).toBeCloseTo(0.804 * (1 - 0.6 ** 6) + 0.008, 12);
  });

  it('draws one line for one seed and a dot for one epoch', async () => {
    const one = await renderSvg(learningCurves([sampleRecord()]));
    expect(lines(one, 1).filter((tag) => tag.includes('opacity="0.4"'))).toHaveLength(0);
    expect(lines(one, 2.5).filter((tag) => count(tag, /L/g) === 5)).toHaveLength(2);
    const dot = await renderSvg(learningCurves([sampleRecord({ epochs: 1 })]));
    expect(centres(dot).length).toBeGreaterThanOrEqual(2);
  });

  it('leaves a plot out that has no values', async () => {
    const record = sampleRecord();
    const metrics = record.trainInfo.metrics.map(({ trainLoss: _, ...row }) => row);
    const svg = await renderSvg(learningCurves([{ ...record, trainInfo: { ...record.trainInfo, metrics } }]));
    expect(texts(svg)).toContain('matthews, selection split');
    expect(texts(svg)).not.toContain('training loss');
  });

  it('gives data sets panels of their own, and says what it leaves out', async () => {
    const svg = await renderSvg(
      learningCurves([
        sampleRecord(),
        sampleRecord({ dataset: 'glue/cola' }),
        sampleRecord({ seed: 2, status: 'failed' }),
      ]),
    );
    expect(texts(svg)).toEqual(
      expect.arrayContaining([
        'acceptability, deberta-tiny (a1a1a1a1), protocol 1',
        'glue/cola, deberta-tiny (a1a1a1a1), protocol 1',
        'profile tiny; 1 failed or cancelled not drawn',
      ]),
    );
    expect(count(svg, />training loss</g)).toBe(2);
  });
});

describe('methodComparison', () => {
  it("draws every seed's score, the means and their figures, best first, with what is trained", async () => {
    const svg = await renderSvg(methodComparison(SAMPLES));
    const all = texts(svg);
    const rows = ['psoft', 'lora', 'head'].map((name) => all.indexOf(name));
    expect(rows).toEqual([...rows].sort((a, b) => a - b));
    expect(all).toEqual(
      expect.arrayContaining([
        '5,120 + 16,770 head parameters',
        '81,920 + 16,770 head parameters',
        '16,770 head parameters',
        '0.8040 ± 0.0120 (n=3)',
        '0.7600 ± 0.0100 (n=3)',
        '0.3900 ± 0.0200 (n=3)',
      ]),
    );
    const rings = centres(svg);
    expect(rings).toHaveLength(9);
    // Seeds of a method share a height and stand in even steps, as their scores do.
    const heights = [...new Set(rings.map(([, y]) => y))];
    expect(heights).toHaveLength(3);
    for (const height of heights) {
      const [a, b, c] = rings
        .filter(([, y]) => y === height)
        .map(([x]) => x!)
        .sort((x, y) => x - y);
      expect(c! - b!).toBeCloseTo(b! - a!, 2);
    }
    expect(count(svg, /aria-roledescription="diamond"|fill="#777777"/g)).toBeGreaterThan(0);
  });

  it('shows equal scores, and a single one, on an axis of some width', async () => {
    for (const records of [
      [sampleRecord()],
      [sampleRecord(), sampleRecord({ method: 'lora' })],
      [sampleRecord({ score: 0 })],
    ]) {
      const svg = await renderSvg(methodComparison(records));
      expect(svg).not.toContain('NaN');
      expect(texts(svg)).toContain(`${records[0]!.trainInfo.test!.matthews!.toFixed(4)} (n=1)`);
    }
  });

  it('names the head apart, and what trains nothing', () => {
    const counts = { total: 10, totalWithoutHead: 8 };
    expect(describeParameters({ ...counts, trainable: 8, trainableWithoutHead: 8 })).toBe('8 parameters');
    expect(describeParameters({ ...counts, trainable: 0, trainableWithoutHead: 0 })).toBe('0 parameters');
  });
});

describe('charts', () => {
  it.each([learningCurves, methodComparison])('mix no profiles or tasks, and refuse to be empty', (chart) => {
    expect(() => chart([sampleRecord(), sampleRecord({ profile: 'paper' })])).toThrow(
      'a chart shows one task of one profile, got nlu/cola, profile paper; nlu/cola, profile tiny: draw them apart',
    );
    expect(() => chart([sampleRecord(), sampleRecord({ task: 'rte' })])).toThrow('draw them apart');
    expect(() => chart([])).toThrow('no completed run to draw among 0 records');
    expect(() => chart([sampleRecord({ status: 'failed' })])).toThrow('among 1 records');
  });

  it.each([learningCurves, methodComparison])(
    'come out the same, whatever the order of records and what was drawn before',
    async (chart) => {
      const first = await renderSvg(chart(SAMPLES));
      expect(await renderSvg(chart([...SAMPLES].reverse()))).toBe(first);
      expect(first).not.toMatch(/<image|href="http|@import|font-face/);
    },
  );

  it('draws quietly, offline', async () => {
    const spies = (['log', 'info', 'warn', 'error'] as const).map((name) => vi.spyOn(console, name));
    const fetching = vi.spyOn(globalThis, 'fetch');
    await renderSvg(learningCurves(SAMPLES));
    await renderSvg(methodComparison(SAMPLES));
    for (const spy of [...spies, fetching]) {
      expect(spy).not.toHaveBeenCalled();
      spy.mockRestore();
    }
  });

  it('turns what Vega would only warn of into an error', async () => {
    const broken = {
      data: { values: [{ a: 1 }] },
      mark: 'point',
      encoding: { x: { field: 'a', type: 'nominal', scale: { type: 'log' } } },
    };
    await expect(renderSvg(broken as never)).rejects.toThrow('chart: ');
  });

  it('keeps styles apart beyond the palette', () => {
    const { color, strokeDash } = styleScales(Array.from({ length: 20 }, (_, index) => `m${index}`));
    const styles = color.range.map((colour, index) => `${colour} ${strokeDash.range[index]}`);
    expect(new Set(styles).size).toBe(20);
  });

  it('pads domains', () => {
    expect(domainOf([1, 2])).toEqual([0.96, 2.04]);
    const [low, high] = domainOf([0.5, 0.5]);
    expect(low).toBeLessThan(0.5);
    expect(high).toBeGreaterThan(0.5);
    expect(domainOf([])).toEqual([0, 1]);
  });
});

describe('renderCharts', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'psoft-charts-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('writes two files for each task of each profile, and names tasks with nothing to draw', async () => {
    const records = [
      ...SAMPLES,
      sampleRecord({ profile: 'paper' }),
      sampleRecord({ task: 'rte', status: 'failed' }),
    ];
    const { written, empty } = await renderCharts(records, folder);
    const names = ['learning-curves.svg', 'method-comparison.svg'];
    expect(written).toEqual(
      ['paper/nlu/cola', 'tiny/nlu/cola'].flatMap((task) =>
        names.map((name) => path.join(folder, task, name)),
      ),
    );
    expect(empty).toEqual(['tiny/nlu/rte']);
    expect(readdirSync(path.join(folder, 'tiny', 'nlu', 'cola'))).toEqual(names);
    for (const file of written) expect(readFileSync(file, 'utf8')).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
    expect(readFileSync(written[0]!, 'utf8')).toContain('>profile paper<');
  });

  it('draws the losses of a training without score, and the scores of an evaluation without epochs', async () => {
    const records = [1, 2].flatMap((seed) => [trainingRecord(seed), evaluationRecord(seed, 40 + seed)]);
    const { written, empty } = await renderCharts(records, folder);
    expect(written.map((file) => path.relative(folder, file))).toEqual([
      path.join('tiny', 'nlu', 'gsm8k', 'method-comparison.svg'),
      path.join('tiny', 'nlu', 'train', 'learning-curves.svg'),
    ]);
    expect(empty).toEqual([]);
    expect(readFileSync(written[0]!, 'utf8')).toContain('paper scorer');
  });
});
