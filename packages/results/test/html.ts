/** A strict reading of HTML as this project writes it: every element closed, every attribute quoted. */

export interface Tag {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
}

const VOID = ['area', 'base', 'br', 'col', 'hr', 'img', 'input', 'link', 'meta', 'source', 'wbr'];
/** Their content is text up to their own end. */
const TEXT = ['script', 'style'];
const ATTRIBUTE = /\s+([a-zA-Z_:][\w:.-]*)(?:="([^"<]*)")?/y;

/**
 * All elements in their order.
 * @throws Error that shows the place: an element that is not closed or closed in another's place, an attribute that is
 * not quoted or there twice, a bare < or &
 */
export function readHtml(text: string): Tag[] {
  if (!text.startsWith('<!doctype html>\n')) throw new Error(`no doctype: ${text.slice(0, 40)}`);
  const tags: Tag[] = [];
  const open: string[] = [];
  let at = '<!doctype html>'.length;
  const fail = (what: string): never => {
    throw new Error(`${what} at ${JSON.stringify(text.slice(Math.max(0, at - 60), at + 60))}`);
  };
  while (at < text.length) {
    const next = text.indexOf('<', at);
    const between = text.slice(at, next < 0 ? undefined : next);
    if (/&(?!(amp|lt|gt|quot|#\d+);)/.test(between)) fail('bare &');
    if (next < 0) break;
    at = next;
    const end = /^<\/([a-zA-Z][\w-]*)>/.exec(text.slice(at, at + 40));
    if (end) {
      if (open.pop() !== end[1]) fail(`</${end[1]}> closes another element`);
      at += end[0].length;
      continue;
    }
    const start = /^<([a-zA-Z][\w-]*)/.exec(text.slice(at, at + 40));
    if (!start) return fail('bare <');
    const name = start[1]!;
    at += start[0].length;
    const attributes = new Map<string, string>();
    for (;;) {
      ATTRIBUTE.lastIndex = at;
      const found = ATTRIBUTE.exec(text);
      if (!found) break;
      if (attributes.has(found[1]!)) fail(`${found[1]} twice`);
      attributes.set(found[1]!, found[2] ?? '');
      at += found[0].length;
    }
    const isClosed = text.startsWith('/>', at);
    if (!isClosed && text[at] !== '>') fail(`<${name}> goes on`);
    at += isClosed ? 2 : 1;
    tags.push({ name, attributes });
    if (TEXT.includes(name)) {
      const close = text.indexOf(`</${name}>`, at);
      if (close < 0) fail(`<${name}> is not closed`);
      at = close + `</${name}>`.length;
    } else if (!isClosed && !VOID.includes(name)) open.push(name);
  }
  if (open.length > 0) fail(`not closed: ${open.join(', ')}`);
  return tags;
}
