/** The paper's printed numbers, recomputed: the same whatever was run. */
import { type Audit, summaryOf, VERDICTS } from '../../../audit/index.ts';
import { type Html, html } from './markup.ts';
import { scroller } from './parts.ts';

/** What follows is counted, not listed: the command and its page hold every finding. */
export function auditSection(audit: Audit, document: string | undefined): Html {
  const listed = audit.findings.filter(({ verdict }) => verdict !== 'follows');
  const count = (verdict: string) => audit.findings.filter((one) => one.verdict === verdict).length;
  return html`<section id="audit" aria-labelledby="audit-title">
<h2 id="audit-title">Audit of the paper</h2>
<p class="lead">Every printed average, parameter count, ratio and bound that has a rule, computed again from the other printed numbers. A value that does not follow contradicts the rule or the paper itself; which of the two is right, the numbers do not say. Nothing here depends on our runs.</p>
<ul class="counts">${VERDICTS.map((verdict) => html`<li><b>${count(verdict)}</b> ${verdict}</li>`)}</ul>
<p>${summaryOf(audit)}${document !== undefined && html` <a href="${document}">How to read it, and every rule</a>.`}</p>
${scroller(
  'Findings of the audit',
  html`<table class="findings" data-filter="audit"><thead><tr>${['Where', 'Cell', 'Printed', 'Recomputed', 'Verdict', 'Rule'].map((title) => html`<th scope="col" class="text">${title}</th>`)}</tr></thead><tbody>${listed.map(
    ({ table, cell, printed, recomputed, verdict, rule, note }) =>
      html`<tr><td>${table}</td><th scope="row">${cell}</th><td class="mono">${printed}</td><td class="mono">${recomputed}</td><td><span class="tag tag-${verdict === 'does not follow' ? 'against' : 'open'}">${verdict}</span></td><td class="text">${rule}${note !== undefined && html`<small>${note}</small>`}</td></tr>`,
  )}</tbody></table>`,
)}
</section>`;
}
