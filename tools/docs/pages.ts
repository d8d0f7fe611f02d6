/** Which files the site is made of: what `docs/index.md` links to, and what those pages link to in the repository. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { type Heading, linksOf, renderMarkdown } from './markdown.ts';

export interface Page {
  /** Of the file, from the repository's root, with slashes. */
  readonly source: string;
  readonly kind: 'markdown' | 'text' | 'folder' | 'asset';
  /** From the site's root: `docs/engine.md` is `engine.html`, other files lie below `repository`. */
  readonly target: string;
}

export const ENTRANCE = 'docs/index.md';

/** Copied as they are. */
const ASSETS = ['.svg', '.png', '.jpg', '.jpeg', '.webp', '.html'];

/** A link that leads nowhere, or to where the site cannot follow. */
export interface BrokenLink {
  readonly source: string;
  readonly href: string;
  readonly reason: string;
}

export interface Site {
  readonly pages: ReadonlyMap<string, Page>;
  readonly broken: readonly BrokenLink[];
}

export const isExternal = (href: string): boolean => /^(?:[a-z][a-z0-9+.-]*:|\/\/)/i.test(href);

/** Follows the links from the given files. */
export function collectPages(root: string, starts: readonly string[]): Site {
  const pages = new Map<string, Page>();
  const broken: BrokenLink[] = [];
  for (const start of starts) pages.set(start, pageOf(root, start));
  // Grows while it is read.
  for (const { source, kind } of pages.values()) {
    if (kind !== 'markdown') continue;
    for (const href of linksOf(read(root, source))) {
      if (isExternal(href)) continue;
      const found = targetOf(root, source, href);
      if ('reason' in found) broken.push({ source, href, reason: found.reason });
      else if (!pages.has(found.file)) pages.set(found.file, pageOf(root, found.file));
    }
  }
  return { pages, broken };
}

/**
 * The file that a link in `source` means; of a folder its README.md, or without one the folder itself.
 * @returns or the reason why there is none
 */
export function targetOf(
  root: string,
  source: string,
  href: string,
): { readonly file: string; readonly anchor: string } | { readonly reason: string } {
  const [place, anchor = ''] = href.split('#') as [string, string?];
  const own = path.posix.join(path.posix.dirname(source), decodeURIComponent(place));
  let file = place === '' ? source : path.posix.normalize(own).replace(/\/$/, '');
  if (file.startsWith('../')) return { reason: 'leaves the repository' };
  if (!existsSync(path.join(root, file))) return { reason: `there is no ${file}` };
  if (isFolder(root, file) && existsSync(path.join(root, file, 'README.md'))) file = `${file}/README.md`;
  if (anchor !== '' && file.endsWith('.md') && !headingsOf(root, file).some(({ id }) => id === anchor))
    return { reason: `${file} has no heading #${anchor}` };
  return { file, anchor };
}

const known = new Map<string, readonly Heading[]>();
function headingsOf(root: string, file: string): readonly Heading[] {
  const place = path.join(root, file);
  const key = `${place} ${statSync(place).mtimeMs}`;
  const found = known.get(key) ?? renderMarkdown(read(root, file), (href) => href).headings;
  known.set(key, found);
  return found;
}

const isFolder = (root: string, source: string): boolean => statSync(path.join(root, source)).isDirectory();

export const read = (root: string, source: string): string => readFileSync(path.join(root, source), 'utf8');

function pageOf(root: string, source: string): Page {
  const ending = path.posix.extname(source).toLowerCase();
  const place = source.startsWith('docs/') ? source.slice('docs/'.length) : `repository/${source}`;
  if (isFolder(root, source)) return { source, kind: 'folder', target: `${place}/index.html` };
  if (ASSETS.includes(ending)) return { source, kind: 'asset', target: place };
  if (ending === '.md') return { source, kind: 'markdown', target: place.replace(/\.md$/, '.html') };
  return { source, kind: 'text', target: `${place}.html` };
}
