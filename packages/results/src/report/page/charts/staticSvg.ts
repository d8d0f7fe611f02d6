/** Vega's drawings as part of a page: smaller, of any width, with ids of their own. */
import { drawVega } from '../../../charts/render.ts';
import type { FrontierChart } from '../data/types.ts';
import { type Html, raw } from '../html/markup.ts';
import { fillFrontier, labelFrontier } from './fillFrontier.ts';
import { FRONTIER_TEMPLATE } from './frontierTemplate.ts';

/** @param id of the chart, unique in the page @param label what the drawing shows, for those who do not see it */
export async function frontierSvg(chart: FrontierChart, label: Html): Promise<Html> {
  const svg = await drawVega(FRONTIER_TEMPLATE, {
    before: (view) => fillFrontier(view, chart),
    after: (view) => labelFrontier(view, chart),
  });
  return raw(compactSvg(svg, chart.id, label));
}

/** Takes a whole drawing, of Vega's or of the figures' module. */
export function compactSvg(svg: string, id: string, label: Html): string {
  const [, attributes, body] = /<svg([^>]*)>([\s\S]*)<\/svg>/.exec(svg) ?? [];
  if (attributes === undefined) throw new Error(`${id}: not a drawing`);
  const box = /viewBox="([^"]*)"/.exec(attributes)?.[1] ?? '0 0 400 300';
  const [, , width] = box.split(' ');
  const small = body!
    // A label of the whole says it once; hundreds of marks with roles of their own hide it.
    .replace(/ (?:aria-[a-z]+|role|pointer-events|stroke-miterlimit|font-family)="[^"]*"/g, '')
    .replace(/ class="[^"]*"/g, '')
    .replace(/ (d|transform)="([^"]*)"/g, (_, name, value) => ` ${name}="${shorten(value)}"`)
    .replace(/<path d="M0,0[^"]*"(?: fill="none")?(?: display="none")?><\/path>(?=<g>)/g, '')
    .replace(/((?:id="|url\(#))([a-z_]+\d+)/g, `$1${id}-$2`)
    .replace(/<g><\/g>/g, '');
  return `<svg viewBox="${box}" style="max-width:${width}px" role="img" aria-label="${label}">${small}</svg>`;
}

const shorten = (value: string) =>
  value.replace(/-?\d+\.\d{2,}(?:e-?\d+)?/g, (one) => String(Number(Number(one).toFixed(1))));
