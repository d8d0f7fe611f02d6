/** How errors are said: on one line that a terminal and a record can hold, whatever the file holds that is quoted. */

/** Longest message, in characters. */
const LONGEST_MESSAGE = 1000;
/** Longest quotation of a value. */
const LONGEST_VALUE = 120;

/** An error for people: its message is one line. */
export class LineError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(oneLine(message), options);
  }
}

/** Breaks become spaces, other control characters are written out, and what is too long loses its middle. */
export function oneLine(text: string): string {
  const line = text
    .replace(/\s*[\n\r\u2028\u2029]\s*/g, ' ')
    // Also what turns the direction of writing, so that a name cannot look like another.
    .replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, (one) => `\\u${hex(one)}`);
  if (line.length <= LONGEST_MESSAGE) return line;
  // What is to be done about it stands at the end.
  const [start, end] = [line.slice(0, 0.7 * LONGEST_MESSAGE), line.slice(-0.25 * LONGEST_MESSAGE)];
  return `${start} ... ${end}`;
}

const hex = (letter: string): string => letter.charCodeAt(0).toString(16).padStart(4, '0');

/** A value from a file for a message: JSON on one line, cut to a readable length. */
export function shown(value: unknown): string {
  const text = jsonOf(value);
  return text.length > LONGEST_VALUE
    ? `${text.slice(0, LONGEST_VALUE)}... (${text.length} characters)`
    : text;
}

function jsonOf(value: unknown): string {
  try {
    // JSON has neither NaN nor infinities.
    return (typeof value === 'number' ? undefined : JSON.stringify(value)) ?? String(value);
  } catch {
    // Nested deeper than the stack, or within itself.
    return Array.isArray(value) ? 'a deeply nested list' : 'a deeply nested object';
  }
}

/** Names for a message: the first few, each cut to a readable length. */
export function shownNames(names: readonly string[], most = 12): string {
  const more = names.length > most ? ` and ${names.length - most} more` : '';
  return names.slice(0, most).map(cut).join(', ') + more;
}

const cut = (name: string): string => (name.length > 60 ? `${name.slice(0, 60)}...` : name);

/**
 * Why reading failed, for a message. What JavaScript says when code stumbles over a value that it did not expect tells
 * nothing about the file but that it is built otherwise.
 */
export function reasonOf(error: unknown): string {
  const isStumble = [TypeError, RangeError, ReferenceError].some((kind) => error instanceof kind);
  const says = error instanceof Error ? error.message : '[object Object]';
  // A message with an object in it was meant for a text.
  return isStumble || says.includes('[object ') ? 'it is not built as such a file is' : oneLine(says);
}
