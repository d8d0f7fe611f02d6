/** What a score costs, by experiment. */
import type { FrontierChart } from '../data/types.ts';
import type { PageExperiment } from '../input.ts';
import { FAMILIES } from '../methods.ts';
import { type Html, html } from './markup.ts';
import { ofProfile, scroller } from './parts.ts';

/** Of one experiment in one profile. */
export interface DrawnFrontiers {
  readonly profile: string;
  readonly experiment: string;
  readonly drawings: readonly Drawing[];
  readonly notes: readonly string[];
}

interface Drawing {
  readonly chart: FrontierChart;
  readonly svg: Html;
}

export function frontiersSection(
  profiles: readonly string[],
  experiments: readonly PageExperiment[],
  drawn: readonly DrawnFrontiers[],
): Html {
  return html`<section id="frontiers" aria-labelledby="frontiers-title">
<h2 id="frontiers-title">What a score costs</h2>
<p class="lead">Average of each experiment’s main table against trained parameters, memory and time. The grey steps join what nothing cheaper reaches; the head alone and the untuned model are dashed lines; bars are deviations over seeds.</p>
${familyLegend()}
${profiles.map((profile) => {
  const blocks = experiments.flatMap(({ name, titles }) => {
    const own = drawn.find((one) => one.profile === profile && one.experiment === name);
    return own === undefined || own.drawings.length === 0 ? [] : [block(own, titles[profile] ?? name)];
  });
  return ofProfile(
    profile,
    profile === 'tiny' &&
      blocks.length > 0 &&
      html`<p class="aside">Memory is the resident set of the whole training process and time was taken on processors that had other work, too: both say more of these small models than of the methods.</p>`,
    blocks.length > 0
      ? blocks
      : html`<p class="empty">No run of this profile is recorded yet, so there is nothing to draw.</p>`,
  );
})}
</section>`;
}

/** The marks of the drawings, which colour alone does not tell apart. */
function familyLegend(): Html {
  const known = Object.entries(FAMILIES).filter(([, { methods }]) => methods.length > 0);
  return html`<ul class="legend">${known.map(
    ([family, { title, shape }]) =>
      html`<li><svg class="mark family-${family}" viewBox="-6 -6 12 12" aria-hidden="true"><path d="${SHAPES[shape]!}"/></svg>${title}</li>`,
  )}</ul>`;
}

const SHAPES: Readonly<Record<string, string>> = {
  diamond: 'M0-5.5L5.5 0L0 5.5L-5.5 0Z',
  circle: 'M-4 0A4 4 0 1 1 4 0A4 4 0 1 1-4 0Z',
  'triangle-up': 'M0-4.5L5 4.5H-5Z',
  square: 'M-4-4H4V4H-4Z',
};

function block({ drawings, notes }: DrawnFrontiers, title: string): Html {
  return html`<article class="frontiers"><h3>${title}</h3><div class="charts">${drawings.map(
    ({ chart, svg }) =>
      html`<figure class="chart" data-chart="${chart.id}"><div class="drawing">${svg}</div></figure>`,
  )}</div>${notes.length > 0 && html`<ul class="notes">${notes.map((note) => html`<li>Memory and time: ${note[0]!.toLowerCase()}${note.slice(1)}</li>`)}</ul>`}${values(drawings, title)}</article>`;
}

/** The same as text, for those who do not see the drawings. */
function values(own: readonly Drawing[], title: string): Html {
  const labels = [...new Set(own.flatMap(({ chart }) => chart.points.map(({ label }) => label)))];
  const text = (chart: FrontierChart, label: string) =>
    chart.points.find((point) => point.label === label)?.text.replace(/^[^:]*: /, '') ?? '—';
  return html`<details><summary>The drawn values as a table</summary>${scroller(
    `Drawn values, ${title}`,
    html`<table><thead><tr><th scope="col">Method</th>${own.map(({ chart }) => html`<th scope="col">${chart.costTitle}</th>`)}</tr></thead><tbody>${labels.map(
      (label) =>
        html`<tr><th scope="row">${label}</th>${own.map(({ chart }) => html`<td>${text(chart, label)}</td>`)}</tr>`,
    )}</tbody></table>`,
  )}</details>`;
}
