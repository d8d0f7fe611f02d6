/**
 * Truncation as Python's tokenizers do it (strategy "longest first"). transformers.js cuts the finished sequence
 * instead, and with it the last special token.
 */
import { DataError } from './text.ts';

/**
 * @param ids the finished sequence: special tokens, the first part, special tokens, and so on
 * @param parts ids of the one or two texts in it, without special tokens
 * @returns `ids` with the ends of its parts left out, `maxLength` long
 * @throws DataError when `maxLength` has no room for a token of each part
 */
export function truncate(
  ids: readonly number[],
  parts: readonly (readonly number[])[],
  maxLength: number,
): number[] {
  const special = ids.length - parts.reduce((sum, part) => sum + part.length, 0);
  const room = maxLength - special;
  if (room < parts.length)
    throw new DataError(
      `a maximum length of ${maxLength} leaves no room beside ${special} special tokens: raise it`,
    );
  const kept = keptLengths(
    parts.map(({ length }) => length),
    room,
  );
  const result: number[] = [];
  let at = 0;
  for (const [i, part] of parts.entries()) {
    const start = find(ids, part, at);
    result.push(...ids.slice(at, start), ...part.slice(0, kept[i]));
    at = start + part.length;
  }
  return [...result, ...ids.slice(at)];
}

/** How much stays of each part: the shorter one as far as it fits in half, the longer one what is left. */
function keptLengths(lengths: readonly number[], room: number): readonly number[] {
  if (lengths.length === 1) return [room];
  const [first, second] = lengths as [number, number];
  const small = Math.min(first, second, Math.floor(room / 2));
  const large = room - small;
  return first > second ? [large, small] : [small, large];
}

/** Where `part` stands in `ids`, from `from` on. */
function find(ids: readonly number[], part: readonly number[], from: number): number {
  for (let start = from; start + part.length <= ids.length; start++)
    if (part.every((id, i) => ids[start + i] === id)) return start;
  throw new DataError(
    'this tokenizer cuts a text differently when special tokens are added: it cannot be truncated',
  );
}
