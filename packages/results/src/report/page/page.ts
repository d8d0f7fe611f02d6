/** The page as one HTML file: style, script, data and drawings inside, nothing outside. */
import { createHash } from 'node:crypto';
import type { Assets } from './assets.ts';
import { figureColours } from './charts/figures.ts';
import { type Html, html, raw, scriptJson } from './html/markup.ts';

export interface PageParts {
  readonly title: string;
  readonly profiles: readonly string[];
  readonly sections: readonly { readonly id: string; readonly title: string; readonly html: Html }[];
  /** Above the sections. */
  readonly intro: Html;
  readonly data: unknown;
  readonly assets: Assets;
}

export function renderPage({ title, profiles, sections, intro, data, assets }: PageParts): string {
  const { script, style } = assets;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy(script)}">
<meta name="color-scheme" content="light dark">
<meta name="description" content="Tables, curves and figures of the PSOFT paper from the recorded runs.">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${raw(style)}${raw(figureColours())}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the results</a>
<header class="bar"><div class="bar-inner">
<div class="brand">PSOFT <span>results</span></div>
${radios(
  'profile',
  'Profile',
  profiles.map((name) => [name, name]),
)}
${radios('theme', 'Theme', [
  ['auto', 'auto'],
  ['light', 'light'],
  ['dark', 'dark'],
])}
<nav aria-label="Sections"><ul>${sections.map((one) => html`<li><a href="#${one.id}">${one.title}</a></li>`)}</ul></nav>
</div></header>
<main id="main" tabindex="-1">
${intro}
${sections.map((one) => one.html)}
</main>
<dialog id="details" aria-labelledby="details-title"></dialog>
<p id="status" class="hidden" role="status"></p>
<script type="application/json" id="page-data">${raw(scriptJson(data))}</script>
<script>${raw(script)}</script>
</body>
</html>
`;
  return page.text;
}

/**
 * Nothing may be fetched from anywhere, and no script runs but this one. Vega makes functions of its expressions, which
 * come from the templates in this package.
 */
function policy(script: string): string {
  const hash = createHash('sha256').update(script).digest('base64');
  return `default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-${hash}' 'unsafe-eval'; base-uri 'none'; form-action 'none'`;
}

/** Radio buttons choose by the style sheet alone. The first is checked. */
function radios(name: string, legend: string, values: readonly (readonly [string, string])[]): Html {
  return html`<fieldset class="switch"><legend class="hidden">${legend}</legend>${values.map(
    ([value, label], at) =>
      html`<input type="radio" name="${name}" id="${name}-${value}" value="${value}"${raw(at === 0 ? ' checked' : '')}><label for="${name}-${value}">${label}</label>`,
  )}</fieldset>`;
}
