/** What can be checked of any page by hand-written rules: names, order of headings, contrast. Run inside the page. */

/** Elements without a name, ids that are there twice, labels that lead nowhere, headings that skip a level. */
export function structureProblems(): string[] {
  const problems: string[] = [];
  const show = (element: Element) => element.outerHTML.slice(0, 90);
  const named = (element: Element) => {
    const label = element.getAttribute('aria-label') ?? element.textContent?.trim() ?? '';
    const by = element.getAttribute('aria-labelledby');
    return label !== '' || (by !== null && document.getElementById(by)?.textContent?.trim() !== '');
  };
  for (const element of document.querySelectorAll(
    'button, a[href], summary, [role="img"], [role="region"], dialog[open]',
  ))
    if (!named(element)) problems.push(`no name: ${show(element)}`);
  for (const input of document.querySelectorAll<HTMLInputElement | HTMLSelectElement>(
    'input, select, textarea',
  )) {
    const hasLabel = [...(input.labels ?? [])].some((label) => label.textContent?.trim() !== '');
    if (!hasLabel && !input.getAttribute('aria-label')) problems.push(`no label: ${show(input)}`);
  }
  const seen = new Set<string>();
  for (const { id } of document.querySelectorAll('[id]')) {
    if (seen.has(id)) problems.push(`id twice: ${id}`);
    seen.add(id);
  }
  for (const link of document.querySelectorAll('a[href^="#"]')) {
    const id = decodeURIComponent(link.getAttribute('href')!.slice(1));
    if (!seen.has(id)) problems.push(`leads nowhere: ${show(link)}`);
  }
  let level = 0;
  for (const heading of document.querySelectorAll('main :is(h1, h2, h3, h4)')) {
    if (heading.closest('svg') || heading.getClientRects().length === 0) continue;
    const own = Number(heading.tagName[1]);
    if (own > level + 1) problems.push(`h${level} is followed by ${show(heading)}`);
    level = own;
  }
  for (const cell of document.querySelectorAll('th'))
    if (!cell.hasAttribute('scope')) problems.push(`th without a scope: ${show(cell)}`);
  if (document.querySelectorAll('h1').length !== 1) problems.push('not one h1');
  if (document.querySelectorAll('main').length !== 1) problems.push('not one main');
  if (document.documentElement.lang === '') problems.push('no language');
  return problems;
}

/** Texts that are seen and have less contrast than 4.5 (3 where they are large), as "ratio text". */
export function contrastProblems(): string[] {
  type Colour = [number, number, number, number];
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })!;
  const known = new Map<string, Colour>();
  // Whatever form the browser gives a colour in, it can paint it.
  const parse = (text: string): Colour => {
    const before = known.get(text);
    if (before !== undefined) return before;
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    const parsed: Colour = [r!, g!, b!, a! / 255];
    known.set(text, parsed);
    return parsed;
  };
  const over = (top: Colour, below: Colour): Colour => {
    const mix = (at: 0 | 1 | 2) => top[at] * top[3] + below[at] * (1 - top[3]);
    return [mix(0), mix(1), mix(2), 1];
  };
  const light = ([r, g, b]: Colour) => {
    const linear = [r, g, b].map((one) =>
      one / 255 <= 0.03928 ? one / 255 / 12.92 : ((one / 255 + 0.055) / 1.055) ** 2.4,
    );
    return 0.2126 * linear[0]! + 0.7152 * linear[1]! + 0.0722 * linear[2]!;
  };
  const ground = (element: Element): Colour => {
    const layers: Colour[] = [];
    for (let at: Element | null = element; at !== null; at = at.parentElement)
      layers.push(parse(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1] as Colour);
  };
  // Numbers in the cells of a drawn matrix lie on the cells: rectangles before them that hold their middle.
  const cells = new Map<SVGSVGElement, { box: DOMRect; fill: string }[]>();
  const cellBelow = (text: Element): Colour | undefined => {
    const svg = text.closest('svg')!;
    if (!cells.has(svg))
      cells.set(
        svg,
        [...svg.querySelectorAll('path')]
          .filter((path) =>
            /^M[^A-Za-z]+h[^A-Za-z]+v[^A-Za-z]+h[^A-Za-z]+Z$/.test(path.getAttribute('d') ?? ''),
          )
          .map((path) => ({ box: path.getBoundingClientRect(), fill: getComputedStyle(path).fill }))
          .filter(({ fill }) => fill !== 'none'),
      );
    const { left, width, top, height } = text.getBoundingClientRect();
    const [x, y] = [left + width / 2, top + height / 2];
    const found = cells
      .get(svg)!
      .findLast(({ box }) => box.left <= x && x <= box.right && box.top <= y && y <= box.bottom);
    const colour = found && parse(found.fill);
    return colour && colour[3] > 0.5 ? colour : undefined;
  };
  const problems = new Set<string>();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const element = node.parentElement;
    const text = node.textContent?.trim() ?? '';
    if (element === null || text === '' || element.closest('script, style, noscript, .hidden, .skip'))
      continue;
    if (element.getClientRects().length === 0) continue;
    const style = getComputedStyle(element);
    const isDrawn = element.closest('svg') !== null;
    const below =
      (isDrawn && cellBelow(element)) || ground(isDrawn ? element.closest('svg')!.parentElement! : element);
    const ink = over(parse(isDrawn ? style.fill : style.color), below);
    const [a, b] = [light(ink), light(below)].sort((x, y) => y - x) as [number, number];
    const ratio = (a + 0.05) / (b + 0.05);
    const size = Number.parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (isLarge ? 3 : 4.5))
      problems.add(`${ratio.toFixed(2)} ${element.tagName} "${text.slice(0, 30)}"`);
  }
  return [...problems];
}

export interface Painted {
  /** Pixels unlike the most frequent colour, as a share. */
  readonly share: number;
  /** Colours that more than three pixels have. */
  readonly colours: number;
}

/** @param address of a picture as `data:` */
export async function paintedOf(address: string): Promise<Painted> {
  const image = new Image();
  image.src = address;
  await image.decode();
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const context = canvas.getContext('2d')!;
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  const counts = new Map<number, number>();
  for (let at = 0; at < data.length; at += 4) {
    const colour = (data[at]! << 16) | (data[at + 1]! << 8) | data[at + 2]!;
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
  const most = Math.max(...counts.values());
  return {
    share: 1 - most / (canvas.width * canvas.height),
    colours: [...counts.values()].filter((count) => count > 3).length,
  };
}
