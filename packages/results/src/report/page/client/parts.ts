/** Pieces that several dialogs have. */
import { type Content, element } from './dom.ts';

export function facts(entries: readonly (readonly [string, Content])[]): HTMLElement {
  return element(
    'dl',
    { class: 'facts' },
    ...entries.map(([term, value]) => element('div', {}, element('dt', {}, term), element('dd', {}, value))),
  );
}

export function section(title: string, ...content: readonly Content[]): HTMLElement {
  return element('section', {}, element('h3', {}, title), ...content);
}

export function scroller(label: string, ...content: readonly Content[]): HTMLElement {
  return element('div', { class: 'scroller', role: 'region', tabindex: 0, 'aria-label': label }, ...content);
}
