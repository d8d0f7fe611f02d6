/** Pickles as lists of opcodes, and changes of them. */
import type { Random } from '../random.ts';

/** Bytes of an opcode's argument. */
const FIXED: Readonly<Record<string, number>> = {
  ...{ '\x80': 1, '\x95': 8, K: 1, M: 2, J: 4, G: 8, q: 1, r: 4, h: 1, j: 4 },
};

function argumentLength(bytes: Buffer, at: number): number {
  const opcode = String.fromCharCode(bytes[at]!);
  if (opcode === 'X') return 4 + (at + 5 <= bytes.length ? bytes.readUInt32LE(at + 1) : 0);
  if (opcode === '\x8c' || opcode === '\x8a') return 1 + (bytes[at + 1] ?? 0);
  if (opcode === 'c') {
    const first = bytes.indexOf(10, at);
    return Math.max(first, bytes.indexOf(10, first + 1)) - at;
  }
  return FIXED[opcode] ?? 0;
}

export function opcodesOf(bytes: Uint8Array): Buffer[] {
  const buffer = Buffer.from(bytes);
  const found: Buffer[] = [];
  for (let at = 0; at < buffer.length; ) {
    const end = at + 1 + Math.max(0, argumentLength(buffer, at));
    found.push(buffer.subarray(at, end));
    at = end;
  }
  return found;
}

const text = (value: string) => {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([Buffer.from('X'), length, bytes]);
};
const bytes = (value: string) => Buffer.from(value, 'latin1');

/** Opcodes with arguments that a weight file may hold, and some that none may. */
const SNIPPETS: readonly Buffer[] = [
  ...[
    'N',
    '\x88',
    '\x89',
    '}',
    ']',
    ')',
    '(',
    '0',
    't',
    'l',
    'a',
    'e',
    's',
    'u',
    '\x85',
    '\x86',
    '\x87',
    'Q',
    'R',
    'b',
    '.',
  ],
  ...[
    'K\x00',
    'K\x01',
    'J\xff\xff\xff\xff',
    'M\xff\xff',
    '\x8a\x00',
    `\x8a\x08${'\xff'.repeat(7)}\x7f`,
    `\x8a\x07${'\xff'.repeat(6)}\x1f`,
  ],
  ...[
    'G\x7f\xf0\x00\x00\x00\x00\x00\x00',
    'h\x00',
    'h\x01',
    'q\x00',
    '\x94',
    '\x93',
    '2',
    '\x81',
    'o',
    'i',
    'P0\n',
    'I1\n',
  ],
  ...[
    'ccollections\nOrderedDict\n',
    'ctorch._utils\n_rebuild_tensor_v2\n',
    'ctorch._utils\n_rebuild_parameter\n',
  ],
  ...[
    'ctorch\nFloatStorage\n',
    'ctorch\n__proto__Storage\n',
    'cposix\nsystem\n',
    'cbuiltins\neval\n',
    'c__main__\nx\n',
  ],
].map(bytes);
/** A list of lists of lists, each twice the one before: a text of it would have 2^40 parts. */
const DOUBLING = bytes(`]q\x60${'h\x60h\x60\x86q\x60'.repeat(40)}`);
const ITSELF = bytes(']q\x61h\x61a');

export function mutatePickle(pickle: Uint8Array, random: Random): Uint8Array {
  let opcodes = opcodesOf(pickle);
  for (let left = 1 + random.int(random.chance(0.7) ? 2 : 6); left > 0; left--) {
    if (opcodes.length === 0) break;
    const place = random.int(opcodes.length);
    const kind = random.int(8);
    if (kind === 0) opcodes = opcodes.toSpliced(place, 1);
    else if (kind === 1) opcodes = opcodes.toSpliced(place, 0, opcodes[random.int(opcodes.length)]!);
    else if (kind === 2) opcodes = opcodes.toSpliced(place, 0, random.pick(SNIPPETS));
    else if (kind === 3) opcodes = opcodes.with(place, random.pick(SNIPPETS));
    else if (kind === 4) opcodes = opcodes.with(place, opcodes[random.int(opcodes.length)]!);
    else if (kind === 5)
      opcodes = opcodes.with(
        place,
        text(random.pick(['storage', '0', '1', '../0', 'cpu', '__proto__', 'x'.repeat(70_000)])),
      );
    else if (kind === 6 && random.chance(0.3))
      opcodes = opcodes.toSpliced(
        place,
        random.int(2),
        random.pick([DOUBLING, ITSELF, bytes(`${'('.repeat(5000)}`)]),
      );
    else {
      const changed = Buffer.from(opcodes[place]!);
      changed[random.int(changed.length)] = random.int(256);
      opcodes = opcodes.with(place, changed);
    }
  }
  return Buffer.concat(opcodes);
}
