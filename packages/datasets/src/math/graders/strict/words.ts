/** Answers that are words: names, days, letters of a choice. */

const WRAPPER = /\\(?:text|mbox|textbf|textit|textrm|mathrm|mathbf|hbox|operatorname)\s*\{([^{}]*)\}/g;

/** Numbers that people write out. */
const NUMBERS =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty'.split(
    ' ',
  );

export const unwrap = (text: string): string => text.replace(WRAPPER, '$1').replace(WRAPPER, '$1');

/** Whether the answer is in words: `\text{...}` holds all its letters. */
export function isInWords(answer: string): boolean {
  const words = [...answer.matchAll(WRAPPER)].map((found) => found[1]).join(' ');
  return /[A-Za-z]/.test(words) && !/[A-Za-z0-9\\]/.test(answer.replace(WRAPPER, ''));
}

/** Without spaces, full stops, quotes and articles; words of several letters in lower case; `(B)` as B. */
export function wordForm(answer: string): string {
  const plain = unwrap(answer)
    .replace(/\\[,;:! ]|[~$*"'`]|\.(?!\d)|\\(?:left|right)(?![a-zA-Z])/g, ' ')
    .replace(/^\s*(?:an?|the)\s+(?=\w)/i, '')
    .replace(/\s+/g, '');
  const bare = /^\(([A-Za-z])\)$/.exec(plain)?.[1] ?? plain;
  return /[A-Za-z]{2}/.test(bare) ? bare.toLowerCase() : bare;
}

/** The digits of a number in words. */
export function spelledNumber(answer: string): string | undefined {
  const at = NUMBERS.indexOf(unwrap(answer).trim().toLowerCase());
  return at < 0 ? undefined : String(at);
}
