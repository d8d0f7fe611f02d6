/** Pieces that several sections have. */
import { type Child, type Html, html } from './markup.ts';

/** What belongs to one profile is shown while that profile is chosen, and never beside the other. */
export function ofProfile(profile: string, ...children: readonly Child[]): Html {
  return html`<div data-profile="${profile}">${children}</div>`;
}

/** A command to copy. The button comes with the script: without one it would do nothing. */
export function command(line: string): Html {
  // A line breaks between its words, not at their hyphens.
  const words = line.split(' ').map((word, at) => html`${at > 0 && ' '}<span>${word}</span>`);
  return html`<div class="command"><code>${words}</code></div>`;
}

export function commands(lines: readonly string[]): Html {
  return html`<div class="commands">${lines.map(command)}</div>`;
}

/** What is wider than the page scrolls inside itself, by keyboard as well. */
export function scroller(label: string, ...children: readonly Child[]): Html {
  return html`<div class="scroller" role="region" tabindex="0" aria-label="${label}">${children}</div>`;
}

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;

/** "OFTv2 and LoRA", "a, b and c". */
export function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
