/** Colours of both themes, held to contrast by a test, and the rules that use them. */

export interface Theme {
  readonly background: string;
  readonly surface: string;
  readonly text: string;
  readonly muted: string;
  readonly link: string;
  readonly line: string;
}

export const THEMES: Readonly<Record<'light' | 'dark', Theme>> = {
  light: {
    background: '#ffffff',
    surface: '#f3f4f6',
    text: '#1b1f24',
    muted: '#565e68',
    link: '#0a58b0',
    line: '#c8cdd3',
  },
  dark: {
    background: '#14171b',
    surface: '#1f242a',
    text: '#e4e7ea',
    muted: '#a5adb6',
    link: '#83b8f7',
    line: '#3c444d',
  },
};

const variables = (theme: Theme): string =>
  Object.entries(theme)
    .map(([name, value]) => `--${name}: ${value};`)
    .join(' ');

export const STYLE = `:root { ${variables(THEMES.light)} color-scheme: light; }
@media (prefers-color-scheme: dark) { :root { ${variables(THEMES.dark)} color-scheme: dark; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; scroll-padding-top: 1rem; }
body { margin: 0; background: var(--background); color: var(--text); font: 1rem/1.6 system-ui, sans-serif; }
a { color: var(--link); }
a:focus-visible, summary:focus-visible, [tabindex="0"]:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -100vw; }
.skip:focus { left: 1rem; top: 1rem; padding: 0.5rem 1rem; background: var(--background); z-index: 1; }
header, footer { padding: 1rem 1.5rem; border-bottom: 1px solid var(--line); }
header a { font-weight: 600; color: var(--text); text-decoration: none; }
footer { border: 0; border-top: 1px solid var(--line); color: var(--muted); font-size: 0.875rem; }
.frame { display: grid; grid-template-columns: 17rem minmax(0, 1fr); max-width: 80rem; margin: 0 auto; }
nav.site { padding: 1.5rem; border-right: 1px solid var(--line); font-size: 0.9375rem; }
nav ul { list-style: none; margin: 0 0 1rem; padding: 0; }
nav ul ul { padding-left: 0.75rem; }
nav a { display: block; padding: 0.25rem 0; text-decoration: none; }
nav a:hover, nav a:focus { text-decoration: underline; }
nav a[aria-current] { color: var(--text); font-weight: 600; }
summary { cursor: pointer; padding: 0.25rem 0; }
main { padding: 1.5rem 2rem 4rem; }
main:focus { outline: none; }
main > * { max-width: 50rem; }
main > .scroll, main > section { max-width: 100%; }
.contents { font-size: 0.9375rem; background: var(--surface); padding: 0.25rem 1rem; border-radius: 0.5rem; }
h1 { font-size: 1.875rem; line-height: 1.25; }
h2 { margin-top: 2.5rem; padding-bottom: 0.25rem; border-bottom: 1px solid var(--line); }
h1, h2, h3, h4 { overflow-wrap: anywhere; }
.anchor { color: var(--muted); font-weight: 400; text-decoration: none; opacity: 0; }
:is(h2, h3, h4):hover .anchor, .anchor:focus { opacity: 1; }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: 0.875em; }
:not(pre) > code { background: var(--surface); padding: 0.125rem 0.25rem; border-radius: 0.25rem; overflow-wrap: anywhere; }
pre code { font-size: inherit; }
td code { overflow-wrap: normal !important; }
pre { background: var(--surface); padding: 1rem; border-radius: 0.5rem; line-height: 1.5; }
.scroll { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: 0.9375rem; }
th, td { padding: 0.375rem 0.75rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { background: var(--surface); }
.right { text-align: right; }
.center { text-align: center; }
img { max-width: 100%; height: auto; background: #ffffff; border-radius: 0.25rem; }
blockquote { margin: 1rem 0; padding-left: 1rem; border-left: 3px solid var(--line); color: var(--muted); }
dl { margin: 0.5rem 0; }
dt { font-weight: 600; }
dd { margin: 0 0 0.5rem 1rem; }
dd p { margin: 0; }
.item { margin-top: 2rem; }
.source { color: var(--muted); font-size: 0.8125rem; margin: 0; }
@media (max-width: 52rem) {
  .frame { grid-template-columns: minmax(0, 1fr); }
  nav.site { border-right: 0; border-bottom: 1px solid var(--line); padding: 0.5rem 1.5rem; }
  nav a { padding: 0.5rem 0; }
  main { padding: 1rem 1.25rem 3rem; }
}
@media (min-width: 52.01rem) { @supports selector(::details-content) {
  nav.site details::details-content { content-visibility: visible; }
  nav.site summary { display: none; }
} }
@media print { nav, header, footer, .anchor { display: none; } .frame { display: block; } .scroll { overflow: visible; } pre { white-space: pre-wrap; } }
`;
