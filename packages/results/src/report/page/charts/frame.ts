/** What both charts have in common. Colours are custom properties: one drawing serves both themes and the printer. */
import type { Axis, Config } from 'vega';

export const FONT = 'system-ui, -apple-system, "Segoe UI", "Liberation Sans", "DejaVu Sans", sans-serif';

export const CONFIG: Config = {
  background: 'transparent' as never,
  axis: {
    labelFont: FONT,
    titleFont: FONT,
    labelFontSize: 11,
    titleFontSize: 11.5,
    titleFontWeight: 'normal',
    titlePadding: 9,
    labelColor: 'var(--soft)',
    titleColor: 'var(--soft)',
    domainColor: 'var(--line-strong)',
    tickColor: 'var(--line-strong)',
    gridColor: 'var(--line)',
  },
};

export const valueAxis = (title: Axis['title']): Axis => ({
  scale: 'y',
  orient: 'left',
  grid: true,
  domain: false,
  ticks: false,
  tickCount: 5,
  ...(title === undefined ? {} : { title }),
});

export const labelText = { font: { value: FONT }, fontSize: { value: 11 } } as const;

/** Least and largest: scales of data that may be empty cannot ask the data. */
export function rangeOf(values: readonly number[]): [number, number] {
  return [Math.min(...values), Math.max(...values)];
}
