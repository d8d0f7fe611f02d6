import { describe, expect, it } from 'vitest';
import { type FrontierPoint, frontier, paretoFront } from './frontier.ts';
import { renderSvg } from './render.ts';

const point = (series: string, label: string, cost: number, score: number): FrontierPoint => ({
  series,
  label,
  cost,
  score,
});
const POINTS = [
  point('PSOFT', 'rank 4', 100, 60),
  point('PSOFT', 'rank 8', 400, 70),
  point('PSOFT', 'rank 16', 1600, 69),
  point('LoRA', 'rank 1', 400, 65),
  point('LoRA', 'rank 2', 800, 71),
];
const OPTIONS = { title: 'ranks', subtitle: 'profile tiny', costTitle: 'trained', scoreTitle: 'average' };

describe('paretoFront', () => {
  it('holds what nothing cheaper reaches', () => {
    const labels = (isSmallerBetter?: boolean) =>
      paretoFront(POINTS, isSmallerBetter).map(({ series, label }) => `${series} ${label}`);
    expect(labels()).toEqual(['PSOFT rank 4', 'PSOFT rank 8', 'LoRA rank 2']);
    expect(labels(true)).toEqual(['PSOFT rank 4']);
    expect(paretoFront([])).toEqual([]);
  });
  it('takes the better of two at one cost, and one of equals', () => {
    const same = [point('a', '1', 5, 1), point('a', '2', 5, 2), point('b', '3', 5, 2), point('b', '4', 9, 2)];
    expect(paretoFront(same).map(({ label }) => label)).toEqual(['2']);
  });
});

describe('frontier', () => {
  it('draws every point with its label, and the spread where there is one', async () => {
    const svg = await renderSvg(
      frontier([...POINTS, { ...POINTS[0]!, label: 'x', standardDeviation: 3 }], OPTIONS),
    );
    for (const text of [
      'rank 4',
      'rank 8',
      'rank 16',
      'rank 1',
      'rank 2',
      'PSOFT',
      'LoRA',
      'trained',
      'average',
    ])
      expect(svg).toContain(`>${text}<`);
    expect(svg).not.toContain('NaN');
    expect(svg).toContain('aria-roledescription="rule mark"');
  });
  it('draws one point, and refuses none and what a logarithmic axis cannot show', async () => {
    expect(await renderSvg(frontier([POINTS[0]!], OPTIONS))).toContain('>rank 4<');
    expect(() => frontier([], OPTIONS)).toThrow('no point to draw');
    expect(() => frontier([point('head', 'none', 0, 1)], OPTIONS)).toThrow(
      'costs above 0, got 0 of head, none',
    );
  });
});
