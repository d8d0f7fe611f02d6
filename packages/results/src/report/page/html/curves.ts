/** Learning curves: every task small, and one at a time large, with its seeds. */

import { tile } from '../charts/tile.ts';
import { meanCurve } from '../data/curves.ts';
import type { CurveSet, MethodStyle, PageRun } from '../data/types.ts';
import type { PageExperiment } from '../input.ts';
import { FAMILIES } from '../methods.ts';
import { type Html, html } from './markup.ts';
import { ofProfile } from './parts.ts';

export function curvesSection(
  profiles: readonly string[],
  experiments: readonly PageExperiment[],
  sets: readonly CurveSet[],
  runs: readonly PageRun[],
  styles: Readonly<Record<string, MethodStyle>>,
): Html {
  const shown = (profile: string) =>
    experiments.flatMap((experiment) => {
      const own = sets.filter((set) => set.profile === profile && set.experiment === experiment.name);
      return own.length === 0 ? [] : [block(experiment, profile, own, runs, styles)];
    });
  return html`<section id="curves" aria-labelledby="curves-title">
<h2 id="curves-title">Learning curves</h2>
<p class="lead">Means over seeds by epoch, on the split that chooses the epoch. <span class="needs-script">A name brings its lines to the front; a drawing opens the large one, with every seed.</span></p>
${profiles.map((profile) => {
  const blocks = shown(profile);
  return ofProfile(
    profile,
    blocks.length > 0
      ? blocks
      : html`<p class="empty">No run of this profile is recorded yet, so there is no curve.</p>`,
  );
})}
</section>`;
}

function block(
  { name, titles }: PageExperiment,
  profile: string,
  sets: readonly CurveSet[],
  runs: readonly PageRun[],
  styles: Readonly<Record<string, MethodStyle>>,
): Html {
  const id = `curves-${profile}-${name}`;
  const methods = [...new Set(sets.flatMap((set) => set.methods.map(({ key }) => key)))];
  return html`<article class="curves" id="${id}" data-curves="${profile} ${name}" aria-labelledby="${id}-title">
<h3 id="${id}-title">${titles[profile]}</h3>
${legend(methods, styles)}
<div class="large" hidden></div>
<div class="tiles">${sets.map((set) => tileOf(set, runs, styles))}</div>
</article>`;
}

/** Kin stand together; the sample is drawn as the line is. */
function legend(methods: readonly string[], styles: Readonly<Record<string, MethodStyle>>): Html {
  return html`<ul class="legend" aria-label="Methods">${Object.keys(FAMILIES).flatMap((family) =>
    methods
      .filter((key) => styles[key]!.family === family)
      .map((key) => {
        const { label, dash } = styles[key]!;
        return html`<li data-method="${key}"><svg class="sample" viewBox="0 0 26 8" aria-hidden="true"><path class="line family-${family}" d="M1 4H25"${dash.length > 0 && html` stroke-dasharray="${dash.join(' ')}"`}/></svg>${label}</li>`;
      }),
  )}</ul>`;
}

function tileOf(
  set: CurveSet,
  runs: readonly PageRun[],
  styles: Readonly<Record<string, MethodStyle>>,
): Html {
  const [column] = set.columns;
  const lines = set.methods.map(({ key, runs: own }) => ({
    key,
    style: styles[key]!,
    points: meanCurve(
      own.map((at) => ({ epoch: runs[at]!.epochs.epoch ?? [], value: runs[at]!.epochs[column!] ?? [] })),
    ),
  }));
  const drawn = tile(lines, `${columnTitle(column!)} of ${set.task} by epoch, ${lines.length} methods`);
  return html`<figure class="tile-box" data-curve="${set.id}"><figcaption>${set.task} <small>${columnTitle(column!)}</small></figcaption>${drawn ?? html`<p class="empty">one epoch only</p>`}</figure>`;
}

/** "selection.matthewsCorrelation" as people say it. */
export function columnTitle(column: string): string {
  return column
    .replace(/^selection\./, '')
    .replace(/^trainLoss$/, 'training loss')
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase();
}
