/** Markdown to HTML, with the anchors that code hosts give headings, so that a link works in both places. */
import { Marked, type Token, type Tokens } from 'marked';

export interface Heading {
  readonly depth: number;
  readonly text: string;
  readonly id: string;
}

export interface Rendered {
  readonly html: string;
  readonly headings: readonly Heading[];
}

export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

/** Lower case, spaces to hyphens, other punctuation left out; the n-th of its name gets a number. */
export function headingIds(): (text: string) => string {
  const seen = new Map<string, number>();
  return (text) => {
    const slug = text
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}_\- ]/gu, '')
      .replaceAll(' ', '-');
    const count = seen.get(slug) ?? 0;
    seen.set(slug, count + 1);
    return count === 0 ? slug : `${slug}-${count}`;
  };
}

/** What a reader sees of inline tokens. */
function plainText(tokens: readonly Token[]): string {
  return tokens
    .map((token) =>
      'tokens' in token && token.tokens ? plainText(token.tokens) : 'text' in token ? token.text : '',
    )
    .join('')
    .replace(/&(?:amp|lt|gt|quot|#39);/g, (entity: string) => ENTITIES[entity]!);
}
const ENTITIES: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
};

/**
 * @param resolve where a link or an image of this text leads in the result
 */
export function renderMarkdown(text: string, resolve: (href: string) => string): Rendered {
  const idOf = headingIds();
  const headings: Heading[] = [];
  const marked = new Marked({ gfm: true });
  marked.use({
    renderer: {
      heading({ tokens, depth }: Tokens.Heading): string {
        const heading = { depth, text: plainText(tokens), id: idOf(plainText(tokens)) };
        headings.push(heading);
        const inner = this.parser.parseInline(tokens);
        const link =
          depth > 1
            ? ` <a class="anchor" href="#${heading.id}" aria-label="Link to ${escapeHtml(heading.text)}">#</a>`
            : '';
        return `<h${depth} id="${heading.id}">${inner}${link}</h${depth}>\n`;
      },
      link({ href, tokens }: Tokens.Link): string {
        return `<a href="${escapeHtml(resolve(href))}">${this.parser.parseInline(tokens)}</a>`;
      },
      image({ href, text: alternative }: Tokens.Image): string {
        return `<img src="${escapeHtml(resolve(href))}" alt="${escapeHtml(alternative)}" loading="lazy">`;
      },
      // Wide ones scroll by themselves, by keyboard too.
      code({ text: code, lang }: Tokens.Code): string {
        return codeBlock(code, lang);
      },
      table(token: Tokens.Table): string {
        const row = (cells: readonly Tokens.TableCell[], tag: 'th' | 'td') =>
          `<tr>${cells
            .map(
              ({ tokens, align }) =>
                `<${tag}${tag === 'th' ? ' scope="col"' : ''}${align ? ` class="${align}"` : ''}>${this.parser.parseInline(tokens)}</${tag}>`,
            )
            .join('')}</tr>`;
        const isHeaded = token.header.some(({ text: cell }) => cell.trim() !== '');
        const head = isHeaded ? `<thead>${row(token.header, 'th')}</thead>` : '';
        const body = token.rows.map((cells) => row(cells, 'td')).join('\n');
        return `<div class="scroll" role="region" aria-label="Table" tabindex="0"><table>${head}<tbody>${body}</tbody></table></div>\n`;
      },
    },
  });
  return { html: marked.parse(text, { async: false }), headings };
}

export function codeBlock(code: string, language?: string): string {
  const name = language ? ` aria-label="${escapeHtml(language)}"` : ' aria-label="Code"';
  return `<pre class="scroll" role="region" tabindex="0"${name}><code>${escapeHtml(code)}\n</code></pre>\n`;
}

/** Links and images in the order of the text, references resolved. */
export function linksOf(text: string): string[] {
  const marked = new Marked({ gfm: true });
  const found: string[] = [];
  marked.walkTokens(marked.lexer(text), (token) => {
    if (token.type === 'link' || token.type === 'image') found.push(token.href);
  });
  return found;
}
