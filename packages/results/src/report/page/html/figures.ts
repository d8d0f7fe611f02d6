/** The paper's figures, drawn where there are records for them. */
import { fromText } from '../../figures/captions.ts';
import type { DrawnFigure } from '../charts/figures.ts';
import { type Html, html } from './markup.ts';
import { commands, listed, ofProfile } from './parts.ts';

export function figuresSection(
  profiles: readonly string[],
  figures: readonly DrawnFigure[],
): Html | undefined {
  if (figures.length === 0) return undefined;
  return html`<section id="figures" aria-labelledby="figures-title">
<h2 id="figures-title">Figures</h2>
<p class="lead">The paper’s figures, of our runs. The paper’s own values stand in its profile, where it prints them.</p>
${profiles.map((profile) => {
  const own = figures.filter(({ figure }) => figure.profile === profile);
  const [drawn, open] = [own.filter(({ svg }) => svg), own.filter(({ svg }) => !svg)];
  return ofProfile(
    profile,
    drawn.length > 0 && html`<div class="figure-grid">${drawn.map(block)}</div>`,
    open.length > 0 && missing(open),
  );
})}
</section>`;
}

function block({ figure, id, svg, isWide }: DrawnFigure): Html {
  const { title, caption, notes, commands: lines } = figure;
  return html`<figure class="chart${isWide === true && ' wide'}" id="${id}" data-chart="${id}"><h3>${title}</h3><div class="drawing">${svg}</div><figcaption><p>${caption}</p><ul class="notes"><li>${fromText(figure)}</li>${notes.map((note) => html`<li>${note}</li>`)}</ul>${lines.length > 0 && html`<details><summary>What is missing in it</summary>${commands(lines)}</details>`}</figcaption></figure>`;
}

function missing(open: readonly DrawnFigure[]): Html {
  const names = open.map(({ figure }) => figure.title);
  const lines = [...new Set(open.flatMap(({ figure }) => figure.commands))];
  return html`<details class="missing"><summary>No data yet for ${listed(names)}</summary><ul class="notes">${open.map(({ figure: { title, caption } }) => html`<li>${title}. ${caption}</li>`)}</ul>${commands(lines)}</details>`;
}
