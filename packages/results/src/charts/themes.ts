/**
 * Light and dark. A figure names no colour itself: series take them in the order of the theme's palette, texts and lines
 * by their style, so that one specification serves both.
 */
import type { Config } from 'vega-lite';
import { COLOURS, CONFIG } from './theme.ts';

export const THEME_NAMES = ['light', 'dark'] as const;
export type ThemeName = (typeof THEME_NAMES)[number];

interface Palette {
  readonly background: string;
  /** All that is read. */
  readonly text: string;
  readonly mutedText: string;
  readonly line: string;
  readonly grid: string;
  /** Okabe and Ito's, those that the background does not swallow. */
  readonly series: readonly string[];
}

export const PALETTES: Readonly<Record<ThemeName, Palette>> = {
  light: {
    background: '#ffffff',
    text: '#222222',
    mutedText: '#555555',
    line: '#666666',
    grid: '#e3e3e3',
    series: COLOURS,
  },
  dark: {
    background: '#16191d',
    text: '#e8e8e8',
    mutedText: '#b4b8bd',
    line: '#8d939a',
    grid: '#343a41',
    series: ['#56B4E9', '#E69F00', '#009E73', '#CC79A7', '#F0E442', '#D55E00', '#ffffff'],
  },
};

/** Cells of a matrix are pale in both themes, for dark numbers on them: blue below the middle, orange above. */
export const CELL_COLOURS = ['#8fc1e3', '#c9e0ef', '#ffffff', '#f9dcae', '#f0b75c'] as const;
export const CELL_TEXT = '#1a1a1a';

/** What a theme adds to a specification. */
export function themeConfig(name: ThemeName): Config {
  const { background, text, mutedText, line, grid, series } = PALETTES[name];
  const lines = { labelColor: text, titleColor: text };
  return {
    ...CONFIG,
    background,
    axis: { ...CONFIG.axis, ...lines, domainColor: line, tickColor: line, gridColor: grid },
    legend: {
      ...CONFIG.legend,
      ...lines,
      symbolBaseFillColor: text,
      symbolBaseStrokeColor: text,
    },
    header: { labelColor: text, titleColor: text, labelFontSize: 12 },
    title: { ...CONFIG.title, color: text, subtitleColor: mutedText },
    mark: { color: series[0]!, tooltip: true },
    text: { color: text, fontSize: 11 },
    rule: { color: line },
    range: { category: [...series], diverging: { scheme: [...CELL_COLOURS] } },
    style: { muted: { color: mutedText }, cell: { color: CELL_TEXT, fontSize: 10 } },
  } as Config;
}
