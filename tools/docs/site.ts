/** `npm run docs:site`: docs/ and the API's doc comments as pages in dist/docs that open from disk. */
import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { compilePackages } from '../packing/compile.ts';
import { OUT, ROOT, workspacePackages } from '../packing/workspace.ts';
import { type ApiModule, entryPoints, readApi } from './api.ts';
import { apiBody, apiTarget } from './apiPage.ts';
import { codeBlock, escapeHtml, type Heading, renderMarkdown } from './markdown.ts';
import { type NavigationGroup, navigationOf } from './navigation.ts';
import { collectPages, ENTRANCE, isExternal, type Page, read, targetOf } from './pages.ts';
import { STYLE } from './style.ts';
import { pageHtml, relativeLink } from './template.ts';

export const SITE = path.join(OUT, 'docs');

export interface SiteOptions {
  readonly root: string;
  readonly out: string;
  /** Of the packages; without any there is no reference. */
  readonly api: readonly ApiModule[];
}

/**
 * @returns how many pages there are
 * @throws Error that lists every link that leads nowhere
 */
export function writeSite({ root, out, api }: SiteOptions): number {
  const { pages, broken } = collectPages(root, [ENTRANCE]);
  if (broken.length > 0)
    throw new Error(
      `links that lead nowhere:\n${broken.map(({ source, href, reason }) => `${source}: ${href}: ${reason}`).join('\n')}`,
    );
  const targetFor = (source: string, href: string): string => {
    const found = targetOf(root, source, href);
    if ('reason' in found) throw new Error(`${source}: ${href}: ${found.reason}`);
    return `${pages.get(found.file)!.target}${found.anchor === '' ? '' : `#${found.anchor}`}`;
  };
  const navigation: NavigationGroup[] = navigationOf(read(root, ENTRANCE)).map(({ title, links }) => ({
    title,
    links: links.map(({ title: name, href }) => ({ title: name, href: targetFor(ENTRANCE, href) })),
  }));
  if (api.length > 0)
    navigation.push({
      title: 'API reference',
      links: api.map(({ name }) => ({ title: name, href: apiTarget(name) })),
    });

  rmSync(out, { recursive: true, force: true });
  let count = 0;
  const write = (target: string, title: string, body: string, headings: readonly Heading[]) => {
    const file = path.join(out, target);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, pageHtml({ target, title, body, headings, navigation }));
    count++;
  };
  for (const page of pages.values()) {
    if (page.kind === 'asset') copyAsset(root, out, page);
    else if (page.kind === 'text') {
      const body = `<h1>${escapeHtml(page.source)}</h1>${codeBlock(read(root, page.source))}`;
      write(page.target, page.source, body, []);
    } else if (page.kind === 'folder') {
      const names = readdirSync(path.join(root, page.source)).sort();
      const body = `<h1>${escapeHtml(page.source)}</h1>${codeBlock(names.join('\n'))}`;
      write(page.target, page.source, body, []);
    } else {
      const { html, headings } = renderMarkdown(read(root, page.source), (href) =>
        isExternal(href) ? href : relativeLink(page.target, targetFor(page.source, href)),
      );
      write(page.target, headings[0]?.text ?? page.source, html, headings);
    }
  }
  const places = new Map(
    api.flatMap(({ name, items }) => items.map((item) => [item.name, `${apiTarget(name)}#${item.name}`])),
  );
  for (const module of api) {
    const target = apiTarget(module.name);
    const own = new Set(module.items.map(({ name }) => name));
    const { html, headings } = apiBody(module, (name) => {
      if (own.has(name)) return `#${name}`;
      const place = places.get(name);
      return place === undefined ? undefined : relativeLink(target, place);
    });
    write(target, module.name, html, headings);
  }
  writeFileSync(path.join(out, 'style.css'), STYLE);
  return count;
}

function copyAsset(root: string, out: string, { source, target }: Page): void {
  const file = path.join(out, target);
  mkdirSync(path.dirname(file), { recursive: true });
  cpSync(path.join(root, source), file);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const compiled = compilePackages({ declarationsOnly: true });
  const api = readApi(entryPoints(workspacePackages(), compiled), compiled);
  const count = writeSite({ root: ROOT, out: SITE, api });
  process.stdout.write(
    `${count} pages: open ${path.relative(process.cwd(), path.join(SITE, 'index.html'))}\n`,
  );
}
