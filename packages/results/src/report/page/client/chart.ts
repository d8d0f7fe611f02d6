/** Drawings that answer to a pointer, in the place of the static ones. */
import { parse, type Spec, View } from 'vega';
import { element } from './dom.ts';

/** Vega's, shown beside the pointer and never in its way. */
const tip = element('div', { class: 'tip', role: 'presentation', hidden: true });
document.body.append(tip);

function showTip(event: MouseEvent, value: unknown): void {
  const text = tipText(value);
  tip.hidden = text === '';
  tip.textContent = text;
  if (text === '') return;
  // A dialog lies above all that is not in it.
  (document.querySelector('dialog[open]') ?? document.body).append(tip);
  const { clientX, clientY } = event;
  const { offsetWidth, offsetHeight } = tip;
  tip.style.left = `${Math.max(4, Math.min(clientX + 14, innerWidth - offsetWidth - 4))}px`;
  tip.style.top = `${clientY + 18 + offsetHeight > innerHeight ? clientY - offsetHeight - 10 : clientY + 18}px`;
}

/** Vega-Lite hands over all fields of a mark. */
function tipText(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value !== 'object') return String(value);
  return Object.entries(value)
    .map(([name, one]) => `${name}: ${one}`)
    .join('\n');
}

export interface Drawing {
  readonly view: View;
  close(): void;
}

export interface DrawOptions {
  /** What the drawing shows. */
  readonly label: string;
  /** Fills in data and signals before anything is drawn. */
  readonly prepare?: (view: View) => void;
  /** Once it has a size, and whenever that has changed: what depends on it. */
  readonly sized?: (view: View) => void;
  /** As wide as the element, and again when that changes; otherwise as the specification says. */
  readonly fits: boolean;
}

export async function draw(
  spec: Spec,
  place: HTMLElement,
  { label, prepare, sized, fits }: DrawOptions,
): Promise<Drawing> {
  const box = element('div', { class: 'vega', role: 'img', 'aria-label': label });
  const view = new View(parse(spec), { renderer: 'svg', hover: true, logLevel: 1 });
  view.tooltip((_handler, event, _item, value) => showTip(event as MouseEvent, value));
  prepare?.(view);
  const width = () => Math.max(220, place.clientWidth);
  if (fits) view.width(width());
  const run = async () => {
    await view.runAsync();
    if (sized === undefined) return;
    sized(view);
    await view.runAsync();
  };
  view.initialize(box);
  await run();
  place.replaceChildren(box);
  // The label says it once; marks and axes need none of their own.
  const svg = box.querySelector('svg');
  svg?.setAttribute('aria-hidden', 'true');
  if (!fits && svg) svg.style.maxWidth = `${svg.getAttribute('width')}px`;
  const observer = new ResizeObserver(() => {
    if (!fits || place.clientWidth === 0 || Math.abs(view.width() - width()) < 2) return;
    view.width(width());
    void run();
  });
  observer.observe(place);
  return {
    view,
    close: () => {
      observer.disconnect();
      view.finalize();
      tip.hidden = true;
    },
  };
}

/** Once the element is about to be seen. */
export function whenSeen(place: Element, act: () => void): void {
  const observer = new IntersectionObserver(
    (entries) => {
      if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
      observer.disconnect();
      act();
    },
    { rootMargin: '400px' },
  );
  observer.observe(place);
}
