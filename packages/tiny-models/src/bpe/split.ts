/** How Llama 3's tokenizer cuts a text before its merges, and how it writes bytes. */

/** Llama 3's pattern with one change: every digit stands alone, so that a small model meets ten of them, not 1,110. */
export const PATTERN =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/** The same for JavaScript, which has no flags within a pattern in every supported version. */
const REGEXP = new RegExp(
  PATTERN.replace(/\(\?i:(.*?)\)/, (_, list: string) => {
    const eitherCase = list.replace(/[a-z]/g, (letter) => `[${letter}${letter.toUpperCase()}]`);
    return `(?:${eitherCase})`;
  }),
  'gu',
);

/** The pieces in order; together they are the text. */
export function splitText(text: string): string[] {
  return text.match(REGEXP) ?? [];
}

/** GPT-2's alphabet: each byte as a visible character, itself where it is one, else one from U+0100 on. */
export const BYTE_CHARACTERS: readonly string[] = (() => {
  const isVisible = (byte: number) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  let hidden = 0;
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCodePoint(isVisible(byte) ? byte : 256 + hidden++),
  );
})();

const encoder = new TextEncoder();

/** The piece's UTF-8 bytes in that alphabet. */
export function byteText(piece: string): string {
  return Array.from(encoder.encode(piece), (byte) => BYTE_CHARACTERS[byte]).join('');
}
