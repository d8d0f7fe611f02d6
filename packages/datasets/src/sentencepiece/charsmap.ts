/**
 * SentencePiece's compiled character replacements ("precompiled charsmap"), applied as the `tokenizers` library does.
 *
 * The bytes: the trie's size in bytes (u32, little-endian), the trie's units (u32 each, little-endian; the double-array
 * of darts-clone: https://github.com/s-yata/darts-clone), then the replacements in UTF-8, each ended by a NUL. A key's
 * value is its replacement's place in them.
 */

/** A replacement of some of a text's characters. */
export type Charsmap = (text: string) => string;

const ASCII = /^[ -~]*$/;
/** Bytes in UTF-8 from which on a grapheme is looked up a character at a time. */
const WHOLE_BELOW = 6;

/** @throws Error when the bytes are no charsmap */
export function readCharsmap(bytes: Uint8Array): Charsmap {
  const shortestKey = trieOf(bytes);
  const replacements = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).subarray(
    4 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true),
  );
  const lookUp = (part: string): string | undefined => {
    const at = shortestKey(Buffer.from(part));
    if (at === undefined) return undefined;
    const end = replacements.indexOf(0, at);
    if (at >= replacements.length || end < 0)
      throw new Error(
        `the charsmap's trie refers to byte ${at} of ${replacements.length} bytes of replacements`,
      );
    return replacements.toString('utf8', at, end);
  };
  const replaced = remembering(lookUp);
  const asciiStays = Array.from({ length: 0x7f - 0x20 }, (_, i) => String.fromCharCode(0x20 + i)).every(
    (character) => replaced(character) === undefined,
  );
  const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
  return (text) => {
    // Almost all text, which needs no segmenting.
    if (asciiStays && ASCII.test(text)) return text;
    let result = '';
    for (const { segment } of graphemes.segment(text)) {
      const whole = Buffer.byteLength(segment) < WHOLE_BELOW ? replaced(segment) : undefined;
      if (whole !== undefined) result += whole;
      else for (const character of segment) result += replaced(character) ?? character;
    }
    return result;
  };
}

/**
 * Finds the shortest key that some bytes begin with. The shortest, although the whole part is then replaced: so does
 * the `tokenizers` library, where SentencePiece takes the longest and goes on behind it. They differ where a replaced
 * character has a combining mark that no key holds: the library drops the mark.
 */
function trieOf(bytes: Uint8Array): (key: Uint8Array) => number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = bytes.length < 4 ? -1 : view.getUint32(0, true);
  if (size <= 0 || size % 4 !== 0 || 4 + size > bytes.length)
    throw new Error(`the charsmap of ${bytes.length} bytes names a trie of ${size} bytes`);
  const units = Uint32Array.from({ length: size / 4 }, (_, i) => view.getUint32(4 + 4 * i, true));
  const offset = (unit: number): number => (unit >>> 10) << ((unit & 0x200) >>> 6);
  return (key) => {
    let node = offset(units[0]!);
    for (const byte of key) {
      node ^= byte;
      const unit = units[node];
      // The label of a unit that has no character carries the top bit.
      if (unit === undefined || byte === 0 || (unit & 0x800000ff) !== byte) return undefined;
      node ^= offset(unit);
      if (unit & 0x100) return units[node]! & 0x7fffffff;
    }
    return undefined;
  };
}

const MOST_REMEMBERED = 100_000;

function remembering(lookUp: (part: string) => string | undefined) {
  const known = new Map<string, string | undefined>();
  return (part: string): string | undefined => {
    if (known.has(part)) return known.get(part);
    const found = lookUp(part);
    if (known.size < MOST_REMEMBERED) known.set(part, found);
    return found;
  };
}
