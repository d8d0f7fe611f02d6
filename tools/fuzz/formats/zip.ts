/** Zip archives of plainly stored files, as torch.save writes them. */
import { crc32 } from 'node:zlib';

export function zipOf(files: ReadonlyMap<string, Uint8Array>): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const [name, content] of files) {
    const label = Buffer.from(name);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt32LE(sum(content), 10);
    common.writeUInt32LE(content.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(label.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, label]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(at, 10);
    directory.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), common, tail, label);
    parts.push(local, Buffer.from(content));
    at += local.length + content.length;
  }
  const listed = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(files.size, 8);
  end.writeUInt16LE(files.size, 10);
  end.writeUInt32LE(listed.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...parts, listed, end]);
}

/** Of files that {@link zipOf} or torch wrote; undefined for others. */
export function unzipped(bytes: Uint8Array): Map<string, Uint8Array> | undefined {
  const buffer = Buffer.from(bytes);
  const files = new Map<string, Uint8Array>();
  try {
    const end = buffer.lastIndexOf('PK\x05\x06', undefined, 'latin1');
    if (end < 0) return undefined;
    let at = buffer.readUInt32LE(end + 16);
    for (let left = buffer.readUInt16LE(end + 10); left > 0; left--) {
      const [size, nameLength, extra, comment] = [
        buffer.readUInt32LE(at + 24),
        ...[28, 30, 32].map((place) => buffer.readUInt16LE(at + place)),
      ] as [number, number, number, number];
      const local = buffer.readUInt32LE(at + 42);
      const start = local + 30 + buffer.readUInt16LE(local + 26) + buffer.readUInt16LE(local + 28);
      files.set(buffer.toString('utf8', at + 46, at + 46 + nameLength), buffer.subarray(start, start + size));
      at += 46 + nameLength + extra + comment;
    }
  } catch {
    return undefined;
  }
  return files;
}

// Node has it from 20.15 on; readers here do not look at it.
const sum = (content: Uint8Array): number => (typeof crc32 === 'function' ? crc32(content) : 0);
