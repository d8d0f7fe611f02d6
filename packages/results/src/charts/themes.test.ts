import { expect, test } from 'vitest';
import { CELL_COLOURS, CELL_TEXT, PALETTES, THEME_NAMES, themeConfig } from './themes.ts';

/** WCAG 2.2, relative luminance and contrast ratio. */
function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}
function contrast(one: string, other: string): number {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high! + 0.05) / (low! + 0.05);
}

test('the ratio is WCAG’s', () => {
  expect(contrast('#000000', '#ffffff')).toBe(21);
  // The lightest grey that passes AA on white.
  expect(contrast('#767676', '#ffffff')).toBeCloseTo(4.54, 2);
});

/** Every colour of a configuration that letters take, with where it stands. */
function textColours(config: object, place = ''): [string, string][] {
  return Object.entries(config).flatMap(([key, value]): [string, string][] => {
    const at = `${place}.${key}`;
    if (typeof value === 'object' && value !== null) return textColours(value, at);
    const isText = /(label|title|subtitle)Color$/.test(key) || /\.(title|text|muted)\.color$/.test(at);
    return isText ? [[at, String(value)]] : [];
  });
}

test.each(THEME_NAMES)('all letters of the %s theme pass AA', (name) => {
  const { background } = PALETTES[name];
  const colours = textColours(themeConfig(name));
  expect(colours.length).toBeGreaterThanOrEqual(10);
  for (const [place, colour] of colours)
    expect(contrast(colour, background), `${place} ${colour}`).toBeGreaterThanOrEqual(4.5);
});

test('numbers in cells pass AA on every colour of a cell', () => {
  for (const colour of CELL_COLOURS) expect(contrast(CELL_TEXT, colour), colour).toBeGreaterThanOrEqual(4.5);
});

test('no theme lets its background swallow a series', () => {
  for (const name of THEME_NAMES) {
    const { series, background } = PALETTES[name];
    expect(new Set(series).size).toBe(series.length);
    for (const colour of series) expect(contrast(colour, background), colour).toBeGreaterThan(2);
  }
});
