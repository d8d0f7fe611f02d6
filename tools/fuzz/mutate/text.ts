/** Mutations of texts of lines and cells. */
import type { Random } from '../random.ts';

const PIECES = [
  ...[
    '\t',
    ',',
    '"',
    "'",
    '\n',
    '\r\n',
    '\r',
    ' ',
    '\0',
    '\ufeff',
    '\u2028',
    '\ud800',
    '\x1b[2J',
    '#',
    '|',
    ';',
    '\\',
  ],
  ...[
    '__proto__',
    'constructor',
    'NaN',
    'Infinity',
    '-1',
    '1e400',
    '99999999999999999999',
    '0x10',
    '""',
    'null',
    '{}',
    '[]',
  ],
  ...['</script><script>', '=1+1', '../..', '\u0301', '\u{1f600}', '\ufffd', '%s', '<|endoftext|>', '[MASK]'],
];

/** @param words of the format */
export function mutateText(text: string, random: Random, words: readonly string[] = []): string {
  let result = text;
  for (let left = 1 + random.int(random.chance(0.75) ? 2 : 6); left > 0; left--)
    result = once(result, random, words);
  return result.slice(0, 200_000);
}

function once(text: string, random: Random, words: readonly string[]): string {
  const start = random.int(text.length + 1);
  const end = start + random.int(random.chance(0.8) ? 6 : text.length + 1 - start);
  const lines = text.split('\n');
  const line = random.int(lines.length);
  switch (random.int(9)) {
    case 0:
      return text.slice(0, start) + text.slice(end);
    case 1:
    case 2: {
      const piece = words.length > 0 && random.chance(0.4) ? random.pick(words) : random.pick(PIECES);
      return text.slice(0, start) + piece + text.slice(random.chance(0.5) ? start : end);
    }
    case 3:
      return lines.toSpliced(line, 1).join('\n');
    case 4:
      return lines.toSpliced(random.int(lines.length + 1), 0, lines[line]!).join('\n');
    case 5: {
      const cells = lines[line]!.split(/(?=[\t,])/);
      const cell = random.int(cells.length);
      const changed = random.chance(0.5) ? cells.toSpliced(cell, 1) : cells.toSpliced(cell, 0, cells[cell]!);
      return lines.with(line, changed.join('')).join('\n');
    }
    case 6:
      return (
        text.slice(0, start) +
        random.pick(PIECES).repeat(random.chance(0.95) ? 3 : 20_000) +
        text.slice(start)
      );
    case 7:
      return text.slice(0, end);
    default:
      return text.replace(/\d+/g, (digits) =>
        random.chance(0.2) ? random.pick(PIECES.slice(19, 25)) : digits,
      );
  }
}
