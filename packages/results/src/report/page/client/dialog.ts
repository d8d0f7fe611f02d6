/** The one dialog of the page. The browser keeps the focus inside, closes it on Escape and gives the focus back. */
import { button, type Content, element, one } from './dom.ts';

const dialog = one<HTMLDialogElement>('#details');
let onClosed: (() => void) | undefined;

export interface DialogContent {
  readonly title: string;
  readonly body: readonly Content[];
  /** Below `#`, while it is open. */
  readonly address?: string;
  readonly onClosed?: () => void;
}

export function openDialog({ title, body, address, onClosed: closed }: DialogContent): void {
  onClosed?.();
  onClosed = closed;
  const close = button({ class: 'close', 'aria-label': 'Close' }, () => dialog.close(), '×');
  dialog.replaceChildren(
    element('header', {}, element('h2', { id: 'details-title', tabindex: -1 }, title), close),
    element('div', { class: 'body' }, ...body),
  );
  if (!dialog.open) dialog.showModal();
  one('#details-title').focus();
  one('.body', dialog).scrollTop = 0;
  if (address !== undefined) replaceAddress(`#${address}`);
}

export function startDialog(): void {
  dialog.addEventListener('close', () => {
    onClosed?.();
    onClosed = undefined;
    if (location.hash.startsWith('#run=')) replaceAddress('#runs');
  });
  // What lies outside is the dialog's own backdrop.
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });
}

function replaceAddress(hash: string): void {
  history.replaceState(null, '', hash);
}
