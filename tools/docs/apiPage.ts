/** One page of the reference: what an entry point exports, from its doc comments. */
import type { ApiItem, ApiModule } from './api.ts';
import { codeBlock, escapeHtml, type Heading, headingIds, renderMarkdown } from './markdown.ts';

const KINDS = [
  ['function', 'Functions'],
  ['class', 'Classes'],
  ['value', 'Values'],
  ['interface', 'Interfaces'],
  ['type', 'Types'],
] as const;

/** "@psoft/training/quick" is `api/training-quick.html`. */
export const apiTarget = (name: string): string =>
  `api/${name.replace('@psoft/', '').replaceAll('/', '-')}.html`;

/** @param linkTo where a name is described, relative to this page; undefined for one that nobody exports */
export function apiBody(
  module: ApiModule,
  linkTo: (name: string) => string | undefined,
): { html: string; headings: Heading[] } {
  const idOf = headingIds();
  const title = module.name;
  const headings: Heading[] = [{ depth: 1, text: title, id: idOf(title) }];
  const parts = [`<h1 id="${headings[0]!.id}">${escapeHtml(title)}</h1>`];
  if (module.comment !== '') parts.push(comment(module.comment, linkTo));
  parts.push(codeBlock(`import { ... } from '${module.name}';`, 'ts'));
  if (module.handedOn.length > 0) {
    const names = module.handedOn.map((name) => reference(name, linkTo));
    parts.push(`<p>Also exports, from other packages: ${names.join(', ')}.</p>`);
  }
  for (const [kind, plural] of KINDS) {
    const items = module.items.filter((item) => item.kind === kind);
    if (items.length === 0) continue;
    const group = { depth: 2, text: plural, id: idOf(plural) };
    headings.push(group);
    parts.push(`<h2 id="${group.id}">${plural}</h2>`, ...items.map((item) => itemHtml(item, linkTo)));
  }
  return { html: parts.join('\n'), headings };
}

/** A name is its own anchor: names are unique within an entry. */
function itemHtml({ name, code, comment: text, tags, source }: ApiItem, linkTo: Link): string {
  const rows = tags
    .filter(({ text: said }) => said !== '')
    .map(
      ({ name: tag, text: said }) =>
        `<dt>${tag === 'param' ? 'parameter' : escapeHtml(tag)}</dt><dd>${comment(said.replace(/^(\S+) - /, '$1 '), linkTo)}</dd>`,
    );
  return [
    `<section class="item" aria-labelledby="${escapeHtml(name)}">`,
    `<h3 id="${escapeHtml(name)}"><code>${escapeHtml(name)}</code> <a class="anchor" href="#${escapeHtml(name)}" aria-label="Link to ${escapeHtml(name)}">#</a></h3>`,
    text === '' ? '' : comment(text, linkTo),
    codeBlock(code, 'ts'),
    rows.length > 0 ? `<dl>${rows.join('')}</dl>` : '',
    `<p class="source">packages/${escapeHtml(source)}</p>`,
    '</section>',
  ].join('\n');
}

type Link = (name: string) => string | undefined;

function reference(name: string, linkTo: Link): string {
  const target = linkTo(name);
  const code = `<code>${escapeHtml(name)}</code>`;
  return target === undefined ? code : `<a href="${escapeHtml(target)}">${code}</a>`;
}

/** `{@link Name}` and `{@link Name.member}` become links where somebody exports the name. */
function comment(text: string, linkTo: Link): string {
  const linked = text.replace(/\{@link\s+([^}\s|]+)[^}]*\}/g, (_, name: string) => {
    const target = linkTo(name.split('.')[0]!);
    return target === undefined ? `\`${name}\`` : `[\`${name}\`](${target})`;
  });
  return renderMarkdown(linked, (href) => href).html;
}
