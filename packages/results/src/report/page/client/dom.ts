/** Elements, made and found. Text is only ever set as text. */

export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;
export type Content = Node | string | undefined | readonly Content[];

export function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...content: readonly Content[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    made.setAttribute(key, value === true ? '' : String(value));
  }
  append(made, content);
  return made;
}

function append(parent: Element, content: readonly Content[]): void {
  for (const one of content) {
    if (one === undefined) continue;
    if (Array.isArray(one)) append(parent, one as readonly Content[]);
    else parent.append(one as Node | string);
  }
}

export function button(
  attributes: Attributes,
  onClick: () => void,
  ...content: readonly Content[]
): HTMLButtonElement {
  const made = element('button', { type: 'button', ...attributes }, ...content);
  made.addEventListener('click', onClick);
  return made;
}

export function all<E extends Element = HTMLElement>(selector: string, within: ParentNode = document): E[] {
  return [...within.querySelectorAll<E>(selector)];
}

/** What the page must have: its own parts. */
export function one<E extends Element = HTMLElement>(selector: string, within: ParentNode = document): E {
  const found = within.querySelector<E>(selector);
  if (found === null) throw new Error(`the page has no ${selector}`);
  return found;
}

/** Read out by screen readers, seen by nobody. */
export function announce(text: string): void {
  one('#status').textContent = text;
}

export function memory(key: string): { read(): string | undefined; write(value: string): void } {
  // A file's storage may be closed; the choice then lasts as long as the page.
  return {
    read: () => {
      try {
        return localStorage.getItem(key) ?? undefined;
      } catch {
        return undefined;
      }
    },
    write: (value) => {
      try {
        localStorage.setItem(key, value);
      } catch {}
    },
  };
}
