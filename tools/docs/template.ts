/** The frame of every page: no script, no request to anywhere; both themes; one column on a phone. */
import path from 'node:path';
import { escapeHtml, type Heading } from './markdown.ts';
import type { NavigationGroup } from './navigation.ts';

export interface Frame {
  /** Of this page, from the site's root. */
  readonly target: string;
  readonly title: string;
  readonly body: string;
  readonly headings: readonly Heading[];
  /** Links from the site's root. */
  readonly navigation: readonly NavigationGroup[];
}

/** A link from one page to another, or to a place in it. */
export function relativeLink(from: string, to: string): string {
  return path.posix.relative(path.posix.dirname(from), to) || path.posix.basename(to);
}

/** Pages with fewer sections need no table of contents. */
const FEWEST_SECTIONS = 3;

export function pageHtml({ target, title, body, headings, navigation }: Frame): string {
  const link = (href: string) => escapeHtml(relativeLink(target, href));
  const groups = navigation.map(({ title: group, links }) => {
    const items = links.map(({ title: name, href }) => {
      const current = href === target ? ' aria-current="page"' : '';
      return `<li><a href="${link(href)}"${current}>${escapeHtml(name)}</a></li>`;
    });
    return `<li><strong>${escapeHtml(group)}</strong><ul>${items.join('')}</ul></li>`;
  });
  const sections = headings.filter(({ depth }) => depth === 2);
  const contents =
    sections.length < FEWEST_SECTIONS
      ? ''
      : `<nav class="contents" aria-label="On this page"><details><summary>On this page</summary><ul>${sections
          .map(({ id, text }) => `<li><a href="#${id}">${escapeHtml(text)}</a></li>`)
          .join('')}</ul></details></nav>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)} - PSOFT experiments</title>
<link rel="stylesheet" href="${link('style.css')}">
</head>
<body>
<a class="skip" href="#content">Skip to content</a>
<header><a href="${link('index.html')}">PSOFT experiments</a></header>
<div class="frame">
<nav class="site" aria-label="Site"><details><summary>Pages</summary><ul>${groups.join('\n')}</ul></details></nav>
<main id="content" tabindex="-1">
${contents}
${body}
</main>
</div>
<footer>Apache-2.0. Made from the repository by <code>npm run docs:site</code>.</footer>
</body>
</html>
`;
}
