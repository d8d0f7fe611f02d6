/** Mutations of bytes that know nothing of a format. */
import type { Random } from '../random.ts';

/** Inputs stay below: what is wrong shows in small files, and they are quick. */
export const LARGEST = 200_000;

const INTERESTING = [0, 1, 2, 127, 128, 255, 256, 32767, 65535, 65536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];
const LARGE = [
  2n ** 31n,
  2n ** 32n,
  2n ** 40n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 60n,
  2n ** 63n,
  2n ** 64n - 1n,
];

type Mutation = (bytes: Buffer, random: Random, other: Uint8Array) => Buffer;

const at = (bytes: Buffer, random: Random) => random.int(bytes.length);

const flipBit: Mutation = (bytes, random) => {
  if (bytes.length > 0) bytes[at(bytes, random)]! ^= 1 << random.int(8);
  return bytes;
};

const setByte: Mutation = (bytes, random) => {
  if (bytes.length > 0)
    bytes[at(bytes, random)] = random.chance(0.5) ? random.int(256) : random.pick(INTERESTING);
  return bytes;
};

const setNumber: Mutation = (bytes, random) => {
  const size = random.pick([2, 4, 8]);
  if (bytes.length < size) return bytes;
  const place = random.int(bytes.length - size + 1);
  const isLittle = random.chance(0.75);
  if (size === 8) bytes[isLittle ? 'writeBigUInt64LE' : 'writeBigUInt64BE'](random.pick(LARGE), place);
  else {
    const value = random.pick(INTERESTING) % 2 ** (8 * size);
    bytes[isLittle ? 'writeUIntLE' : 'writeUIntBE'](value, place, size);
  }
  return bytes;
};

const nudge: Mutation = (bytes, random) => {
  if (bytes.length > 0) bytes[at(bytes, random)]! += random.pick([1, -1, 4, -4, 16]);
  return bytes;
};

const remove: Mutation = (bytes, random) => {
  const start = at(bytes, random);
  const length = 1 + random.int(random.chance(0.8) ? 8 : bytes.length / 2);
  return Buffer.concat([bytes.subarray(0, start), bytes.subarray(start + length)]);
};

const repeat: Mutation = (bytes, random) => {
  const start = at(bytes, random);
  const part = bytes.subarray(start, start + 1 + random.int(32));
  const times = random.chance(0.9) ? 1 + random.int(4) : 1 + random.int(500);
  return Buffer.concat([bytes.subarray(0, start), ...Array<Buffer>(times).fill(part), bytes.subarray(start)]);
};

const insert: Mutation = (bytes, random) => {
  const start = random.int(bytes.length + 1);
  const more = Buffer.from(Array.from({ length: 1 + random.int(8) }, () => random.int(256)));
  return Buffer.concat([bytes.subarray(0, start), more, bytes.subarray(start)]);
};

const cut: Mutation = (bytes, random) => bytes.subarray(0, random.int(bytes.length + 1));

const move: Mutation = (bytes, random) => {
  const [from, to] = [at(bytes, random), at(bytes, random)];
  bytes.copy(bytes, to, from, from + random.int(64));
  return bytes;
};

/** The start of one and the end of another. */
const splice: Mutation = (bytes, random, other) => {
  const start = random.int(bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, start), other.subarray(random.int(other.length + 1))]);
};

const MUTATIONS: readonly Mutation[] = [
  ...[
    flipBit,
    flipBit,
    setByte,
    setByte,
    setNumber,
    setNumber,
    nudge,
    remove,
    repeat,
    insert,
    cut,
    move,
    splice,
  ],
];

/** @param other another input, to take parts from */
export function mutateBytes(bytes: Uint8Array, random: Random, other: Uint8Array = bytes): Uint8Array {
  let result: Buffer = Buffer.from(bytes);
  for (let left = 1 + random.int(random.chance(0.8) ? 2 : 8); left > 0; left--)
    result = random.pick(MUTATIONS)(result, random, other);
  return result.subarray(0, LARGEST);
}
