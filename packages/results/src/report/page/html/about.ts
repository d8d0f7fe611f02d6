/** Where this page comes from, and where to read on. */

import type { Licence } from '../assets.ts';
import type { PageLinks } from '../input.ts';
import { type Html, html } from './markup.ts';
import { commands } from './parts.ts';

export interface Origin {
  readonly records: number;
  /** Of the newest record. */
  readonly newest?: string;
  /** Over all records' identities and results. */
  readonly digest: string;
}

export function aboutSection(origin: Origin, { documents }: PageLinks, licences: readonly Licence[]): Html {
  return html`<section id="about" aria-labelledby="about-title">
<h2 id="about-title">Reproduce, read on</h2>
<div class="columns"><div>
<h3>This page</h3>
<p>Built from ${origin.records} records${origin.newest !== undefined && html`, the newest of ${origin.newest.slice(0, 10)}`}, and nothing else; the same records give the same bytes (digest <code>${origin.digest.slice(0, 12)}</code>). It asks no server for anything: its own policy forbids it.</p>
${commands(['npx nx run results:report', 'npx nx run results:tables', 'npx nx run results:audit'])}
<h3>From nothing to a table</h3>
${commands(['npm start', 'npx nx run nlu:table2', 'npx nx run vision:table3', 'npx nx run math:table4', 'npx nx run commonsense:table5'])}
</div><div>
<h3>Documents</h3>
<ul class="documents">${documents.map(({ href, title, about }) => html`<li><a href="${href}">${title}</a> ${about}</li>`)}</ul>
</div></div>
<details class="licences"><summary>Third-party code in this page</summary>${licences.map(({ packages, text }) => html`<h4>${packages.join(', ')}</h4><pre>${text}</pre>`)}</details>
</section>`;
}
