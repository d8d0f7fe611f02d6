/** The site's navigation is what the entrance says: its headings and the links of the lists below them. */
import { Marked, type Tokens } from 'marked';

export interface NavigationGroup {
  readonly title: string;
  readonly links: readonly { readonly title: string; readonly href: string }[];
}

/** @param entrance Markdown: second-level headings, below them lists whose items begin with a link */
export function navigationOf(entrance: string): NavigationGroup[] {
  const groups: { title: string; links: { title: string; href: string }[] }[] = [];
  for (const token of new Marked({ gfm: true }).lexer(entrance)) {
    if (token.type === 'heading' && token.depth === 2) groups.push({ title: token.text, links: [] });
    if (token.type !== 'list') continue;
    for (const item of (token as Tokens.List).items) {
      const [block] = item.tokens as Tokens.Text[];
      const [first] = block?.tokens ?? [];
      if (first?.type === 'link') groups.at(-1)?.links.push({ title: first.text, href: first.href });
    }
  }
  return groups.filter(({ links }) => links.length > 0);
}
