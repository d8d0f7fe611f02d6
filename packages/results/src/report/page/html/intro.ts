/** What the page is, and what its numbers are not. */
import { type Html, html } from './markup.ts';
import { ofProfile } from './parts.ts';

export function intro(): Html {
  return html`<div class="title">
<h1>Principal Subspace Adaptation, run again</h1>
<p>Every table, curve and figure below is made from recorded runs, by command, without a number typed in. The paper: <a href="https://arxiv.org/abs/2505.11235">Efficient Orthogonal Fine-Tuning with Principal Subspace Adaptation</a> (PSOFT, ICLR 2026).</p>
${ofProfile(
  'tiny',
  html`<div class="banner"><p><strong>Profile tiny.</strong> Small models that we pre-trained ourselves, on data that we generate. It runs every step and compares the methods with each other; <strong>it says nothing about the paper’s numbers</strong>, and none of them are shown beside it.</p></div>`,
)}
${ofProfile(
  'paper',
  html`<div class="banner banner-paper"><p><strong>Profile paper.</strong> The paper’s models, data and settings, with its printed values below ours. A cell without a run of ours shows — and the command that fills it.</p></div>`,
)}
</div>`;
}
