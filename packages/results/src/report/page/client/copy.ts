/** A button beside every command. */
import { all, announce, button, element } from './dom.ts';

export function copyButton(text: string, title = 'Copy'): HTMLButtonElement {
  const label = text.includes('\n') ? `${title}: ${text.split('\n').length} commands` : `${title}: ${text}`;
  const made = button(
    { class: 'copy', 'aria-label': label },
    async () => {
      const isCopied = await copy(text);
      made.textContent = isCopied ? 'Copied' : 'Select it';
      announce(isCopied ? 'Copied' : 'Copying is not allowed here: select the command and copy it');
      setTimeout(() => {
        made.textContent = title;
      }, 1600);
    },
    title,
  );
  return made;
}

export function commandBox(line: string): HTMLElement {
  return element(
    'div',
    { class: 'command' },
    element(
      'code',
      {},
      ...line.split(' ').flatMap((word, at) => [at > 0 ? ' ' : '', element('span', {}, word)]),
    ),
    copyButton(line),
  );
}

export function addCopyButtons(): void {
  for (const box of all('.command')) box.append(copyButton(box.textContent ?? ''));
}

async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyByHand(text);
  }
}

/** Where a page from disk may not use the clipboard, an open selection may still be copied. */
function copyByHand(text: string): boolean {
  const area = element('textarea', { class: 'hidden', readonly: true });
  area.value = text;
  const host = document.querySelector('dialog[open]') ?? document.body;
  host.append(area);
  area.select();
  const isCopied = document.execCommand('copy');
  area.remove();
  return isCopied;
}
