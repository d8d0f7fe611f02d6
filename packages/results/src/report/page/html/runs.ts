/** Every record. The list is made by the script: without one, the files themselves are the list. */
import type { PageLinks } from '../input.ts';
import { type Html, html } from './markup.ts';
import { command } from './parts.ts';

export function runsSection(
  profiles: readonly string[],
  counts: ReadonlyMap<string, number>,
  { results }: PageLinks,
): Html {
  return html`<section id="runs" aria-labelledby="runs-title">
<h2 id="runs-title">Runs</h2>
<p class="lead">One record is one run with one seed: its settings, data, code, machine and what came out. ${profiles.map(
    (profile, at) =>
      html`${at > 0 && ', '}<a href="${results}/${profile}">${profile}</a>: ${counts.get(profile) ?? 0}`,
  )}.</p>
<div id="run-list"></div>
<noscript><p>The list needs a script. The records are plain files in <a href="${results}">the results folder</a>; this lists them:</p>${command('npx nx run results:runs list --where profile=tiny')}</noscript>
</section>`;
}
