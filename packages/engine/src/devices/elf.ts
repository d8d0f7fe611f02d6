/** What a shared library of Linux asks of the loader, read from the file itself (ELF, 64 bits, little-endian). */
import { closeSync, openSync, readSync } from 'node:fs';

const MAGIC = 0x7f454c46;
const MACHINE_X64 = 62;
const SECTION_DYNAMIC = 6;
const TAG_NEEDED = 1;

/**
 * Names of the libraries that must be there for this one to load ("libcublas.so.12"), in its order.
 * @throws Error for a file that is no such library
 */
export function neededLibraries(file: string): string[] {
  const handle = openSync(file, 'r');
  try {
    const read = (offset: bigint, length: number): Buffer => {
      const bytes = Buffer.alloc(length);
      if (readSync(handle, bytes, 0, length, Number(offset)) < length)
        throw new Error(`${file} ends before it should: it is damaged`);
      return bytes;
    };
    const head = read(0n, 64);
    if (head.readUInt32BE(0) !== MAGIC || head[4] !== 2 || head[5] !== 1)
      throw new Error(`${file} is no shared library of Linux`);
    const entry = head.readUInt16LE(58);
    const count = head.readUInt16LE(60);
    const table = read(head.readBigUInt64LE(40), entry * count);
    const section = (index: number) => {
      const at = index * entry;
      return {
        type: table.readUInt32LE(at + 4),
        offset: table.readBigUInt64LE(at + 24),
        size: Number(table.readBigUInt64LE(at + 32)),
        link: table.readUInt32LE(at + 40),
      };
    };
    const dynamic = Array.from({ length: count }, (_, i) => section(i)).find(
      ({ type }) => type === SECTION_DYNAMIC,
    );
    if (dynamic === undefined) return [];
    const entries = read(dynamic.offset, dynamic.size);
    const { offset, size } = section(dynamic.link);
    const names = read(offset, size);
    const needed: string[] = [];
    for (let at = 0; at + 16 <= entries.length; at += 16) {
      if (entries.readBigInt64LE(at) !== BigInt(TAG_NEEDED)) continue;
      const start = Number(entries.readBigUInt64LE(at + 8));
      needed.push(names.toString('latin1', start, names.indexOf(0, start)));
    }
    return needed;
  } finally {
    closeSync(handle);
  }
}

/** Whether a file is a library for x86-64: toolkits carry those of other processors beside them. */
export function isX64Library(file: string): boolean {
  const handle = openSync(file, 'r');
  try {
    const head = Buffer.alloc(20);
    readSync(handle, head, 0, head.length, 0);
    return head.readUInt32BE(0) === MAGIC && head.readUInt16LE(18) === MACHINE_X64;
  } finally {
    closeSync(handle);
  }
}

const BLOCK = 2 ** 24;

/** The version that a library of ONNX Runtime bears in it ("1.30.0"); undefined where there is none. */
export function runtimeVersionIn(file: string): string | undefined {
  const handle = openSync(file, 'r');
  try {
    const block = Buffer.alloc(BLOCK);
    // Over the seam of two blocks, too.
    const overlap = 16;
    for (let offset = 0; ; offset += BLOCK - overlap) {
      const length = readSync(handle, block, 0, BLOCK, offset);
      const text = block.toString('latin1', 0, length);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: texts in a library end with a zero.
      const found = /\u0000(1\.\d{1,3}\.\d{1,3})\u0000/.exec(text);
      if (found !== null) return found[1];
      if (length < BLOCK) return undefined;
    }
  } finally {
    closeSync(handle);
  }
}
