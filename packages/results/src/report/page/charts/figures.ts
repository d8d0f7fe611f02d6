/** The paper's figures as they stand in the page: with custom properties for colours, so that one drawing serves all. */
import type { Config } from 'vega-lite';
import { compile } from 'vega-lite';
import { renderSvg } from '../../../charts/render.ts';
import { PALETTES, themeConfig } from '../../../charts/themes.ts';
import { type ReportFigure, specificationOf } from '../../figures/index.ts';
import type { FigureChart } from '../data/types.ts';
import { type Html, html, raw } from '../html/markup.ts';
import { compactSvg } from './staticSvg.ts';

export interface DrawnFigure {
  readonly figure: ReportFigure;
  /** Of the element. */
  readonly id: string;
  /** Absent while there is nothing to draw. */
  readonly chart?: FigureChart;
  readonly svg?: Html;
  /** Needs the page's whole width to be read. */
  readonly isWide?: boolean;
}

/** Of two drawings beside each other, in pixels. */
const HALF = 620;

export async function drawFigures(figures: readonly ReportFigure[]): Promise<DrawnFigure[]> {
  const drawn: DrawnFigure[] = [];
  for (const figure of figures) {
    const id = `${figure.profile}-${figure.id}`;
    if (figure.chart === undefined) {
      drawn.push({ figure, id });
      continue;
    }
    const specification = { ...specificationOf(figure), background: 'transparent', config: pageConfig() };
    const svg = compactSvg(await renderSvg(structuredClone(specification)), id, html`${figure.title}`);
    const width = Number(/max-width:([\d.]+)px/.exec(svg)?.[1] ?? 0);
    drawn.push({
      figure,
      id,
      chart: { id, spec: compile(specification).spec },
      svg: raw(svg),
      isWide: width > HALF,
    });
  }
  return drawn;
}

const { light, dark } = PALETTES;
const names = ['text', 'mutedText', 'line', 'grid'] as const;
const series = light.series.map((colour, at) => [`--figure-${at + 1}`, colour, dark.series[at]!] as const);
const others = names.map((name) => [`--figure-${name.toLowerCase()}`, light[name], dark[name]] as const);

/** The light theme, each of its colours by its name. Cells of a matrix are pale in both. */
function pageConfig(): Config {
  const byColour = new Map([...others, ...series].map(([name, colour]) => [colour, `var(${name})`]));
  const named = (value: unknown, key?: string): unknown => {
    if (typeof value === 'string') return byColour.get(value) ?? value;
    if (key === 'diverging' || key === 'cell') return value;
    if (Array.isArray(value)) return value.map((one) => named(one));
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([inner, one]) => [inner, named(one, inner)]));
  };
  const config = named(themeConfig('light')) as Config;
  return { ...config, background: 'transparent', mark: { ...config.mark, tooltip: true } };
}

/** What the names mean, in either theme. */
export const figureColours = (): string =>
  `:root{${[...others, ...series].map(([name, a, b]) => `${name}:light-dark(${a},${b})`).join(';')}}`;
