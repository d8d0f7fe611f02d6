/** GGUF files (version 3, little-endian) taken apart, changed and put together. */
import { mutateBytes } from '../mutate/bytes.ts';
import { mutateText } from '../mutate/text.ts';
import type { Random } from '../random.ts';

/** Raw bytes of a value without its type. */
interface Entry {
  readonly key: string;
  readonly type: number;
  readonly value: Buffer;
}

interface TensorInfo {
  readonly name: string;
  readonly shape: readonly bigint[];
  readonly type: number;
  readonly offset: bigint;
}

export interface GgufParts {
  readonly version: number;
  readonly tensorCount: bigint;
  readonly entryCount: bigint;
  readonly entries: readonly Entry[];
  readonly tensors: readonly TensorInfo[];
  readonly data: Buffer;
}

const SIZES: Readonly<Record<number, number>> = {
  0: 1,
  1: 1,
  2: 2,
  3: 2,
  4: 4,
  5: 4,
  6: 4,
  7: 1,
  10: 8,
  11: 8,
  12: 8,
};
const STRING = 8;
const ARRAY = 9;
const ALIGNMENT = 32;

/** @returns undefined for what cannot be taken apart */
export function ggufParts(bytes: Uint8Array): GgufParts | undefined {
  const buffer = Buffer.from(bytes);
  let at = 4;
  const u32 = (): number => {
    at += 4;
    return buffer.readUInt32LE(at - 4);
  };
  const u64 = (): bigint => {
    at += 8;
    return buffer.readBigUInt64LE(at - 8);
  };
  const skipValue = (type: number): void => {
    if (type === STRING) at += Number(u64());
    else if (type === ARRAY) {
      const inner = u32();
      const count = Number(u64());
      if (count > buffer.length) throw new Error('too long');
      for (let i = 0; i < count; i++) skipValue(inner);
    } else at += SIZES[type] ?? Number.NaN;
  };
  const text = (): string => {
    const length = Number(u64());
    at += length;
    return buffer.toString('utf8', at - length, at);
  };
  try {
    const version = u32();
    const [tensorCount, entryCount] = [u64(), u64()];
    if (tensorCount > 1000n || entryCount > 1000n) return undefined;
    const entries = Array.from({ length: Number(entryCount) }, (): Entry => {
      const [key, type] = [text(), u32()];
      const start = at;
      skipValue(type);
      return { key, type, value: buffer.subarray(start, at) };
    });
    const tensors = Array.from({ length: Number(tensorCount) }, (): TensorInfo => {
      const name = text();
      const shape = Array.from({ length: Math.min(16, u32()) }, u64);
      return { name, shape, type: u32(), offset: u64() };
    });
    const start = Math.ceil(at / ALIGNMENT) * ALIGNMENT;
    return { version, tensorCount, entryCount, entries, tensors, data: buffer.subarray(start) };
  } catch {
    return undefined;
  }
}

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
};
const u64 = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
  return bytes;
};
const text = (value: string): Buffer =>
  Buffer.concat([u64(BigInt(Buffer.byteLength(value))), Buffer.from(value)]);

export function ggufOf({ version, tensorCount, entryCount, entries, tensors, data }: GgufParts): Buffer {
  const head = Buffer.concat([
    Buffer.from('GGUF'),
    u32(version),
    u64(tensorCount),
    u64(entryCount),
    ...entries.flatMap(({ key, type, value }) => [text(key), u32(type), value]),
    ...tensors.flatMap(({ name, shape, type, offset }) => [
      text(name),
      u32(shape.length),
      ...shape.map(u64),
      u32(type),
      u64(offset),
    ]),
  ]);
  return Buffer.concat([head, Buffer.alloc((ALIGNMENT - (head.length % ALIGNMENT)) % ALIGNMENT), data]);
}

const HUGE = [0n, 1n, 2n, 255n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 60n, 2n ** 64n - 1n];
const KEYS = [
  ...[
    'general.architecture',
    'general.alignment',
    'llama.block_count',
    'llama.embedding_length',
    'llama.attention.head_count',
  ],
  ...[
    'llama.attention.head_count_kv',
    'llama.vocab_size',
    'llama.rope.scaling.type',
    'llama.rope.freq_base',
    '__proto__',
  ],
  ...[
    'tokenizer.ggml.tokens',
    'tokenizer.ggml.merges',
    'tokenizer.ggml.token_type',
    'tokenizer.ggml.bos_token_id',
    'constructor',
  ],
  ...[
    'llama.expert_count',
    'llama.attention.key_length',
    'llama.feed_forward_length',
    'tokenizer.chat_template',
    'toString',
  ],
];

export function mutateGguf(parts: GgufParts, random: Random): GgufParts {
  const { entries, tensors } = parts;
  const place = random.int(entries.length);
  const entry = entries[place];
  const tensorPlace = random.int(tensors.length);
  const tensor = tensors[tensorPlace];
  const withEntries = (changed: readonly Entry[]): GgufParts => ({
    ...parts,
    entries: changed,
    entryCount: random.chance(0.95) ? BigInt(changed.length) : random.pick(HUGE),
  });
  const kind = random.int(11);
  if (kind < 6 && entry !== undefined) {
    const change = (more: Partial<Entry>) => withEntries(entries.with(place, { ...entry, ...more }));
    if (kind === 0) return withEntries(entries.toSpliced(place, 1));
    if (kind === 1) return withEntries(entries.toSpliced(random.int(entries.length), 0, entry));
    if (kind === 2)
      return change({ key: random.chance(0.6) ? random.pick(KEYS) : mutateText(entry.key, random) });
    if (kind === 3) return change({ type: random.int(15) });
    if (kind === 4 && entry.type !== STRING && entry.type !== ARRAY) {
      const value = u64(random.pick(HUGE)).subarray(0, entry.value.length);
      return change({ value: random.chance(0.5) ? value : Buffer.from(mutateBytes(entry.value, random)) });
    }
    if (entry.type === STRING)
      return change({ value: text(mutateText(entry.value.toString('utf8', 8), random)) });
    if (entry.type === ARRAY && random.chance(0.4))
      return change({
        value: Buffer.concat([entry.value.subarray(0, 4), u64(random.pick(HUGE)), entry.value.subarray(12)]),
      });
    return change({ value: Buffer.from(mutateBytes(entry.value, random)) });
  }
  if (tensor === undefined || kind === 10)
    return { ...parts, data: parts.data.subarray(0, random.int(parts.data.length + 1)) };
  const withTensor = (more: Partial<TensorInfo>): GgufParts => ({
    ...parts,
    tensors: tensors.with(tensorPlace, { ...tensor, ...more }),
  });
  if (kind === 6)
    return withTensor({ shape: tensor.shape.map((one) => (random.chance(0.5) ? random.pick(HUGE) : one)) });
  if (kind === 7) return withTensor({ type: random.int(45) });
  if (kind === 8)
    return withTensor({
      offset: random.chance(0.5) ? random.pick(HUGE) : tensor.offset + BigInt(random.int(64)),
    });
  if (kind === 9 && random.chance(0.5))
    return withTensor({
      name: random.pick(['rope_freqs.weight', 'output.weight', '__proto__', tensors[0]!.name]),
    });
  const fewer = tensors.toSpliced(tensorPlace, 1);
  return {
    ...parts,
    tensors: fewer,
    tensorCount: random.chance(0.9) ? BigInt(fewer.length) : random.pick(HUGE),
  };
}
