/** Mutations of protobuf messages by their fields. */
import type { Random } from '../random.ts';
import { mutateBytes } from './bytes.ts';

export interface Field {
  readonly number: number;
  readonly wire: number;
  /** Without the length of fields of bytes. */
  readonly payload: Uint8Array;
}

export function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Buffer.from(bytes);
}

/** @returns undefined for bytes that are no message */
export function fieldsOf(bytes: Uint8Array): Field[] | undefined {
  const fields: Field[] = [];
  let at = 0;
  const read = (): bigint | undefined => {
    let value = 0n;
    for (let shift = 0n; at < bytes.length && shift < 70n; shift += 7n) {
      const byte = bytes[at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return undefined;
  };
  while (at < bytes.length) {
    const tag = read();
    if (tag === undefined) return undefined;
    const [number, wire] = [Number(tag >> 3n), Number(tag & 7n)];
    const start = at;
    if (wire === 0) {
      if (read() === undefined) return undefined;
      fields.push({ number, wire, payload: bytes.subarray(start, at) });
    } else {
      const length = wire === 2 ? read() : { 1: 8n, 5: 4n }[wire];
      if (length === undefined || at + Number(length) > bytes.length || number === 0) return undefined;
      fields.push({ number, wire, payload: bytes.subarray(at, at + Number(length)) });
      at += Number(length);
    }
  }
  return fields;
}

export function messageOf(
  fields: readonly Field[],
  lie: (length: number) => number | bigint = (length) => length,
): Buffer {
  return Buffer.concat(
    fields.flatMap(({ number, wire, payload }) => [
      varint((BigInt(number) << 3n) | BigInt(wire)),
      ...(wire === 2 ? [varint(lie(payload.length))] : []),
      payload,
    ]),
  );
}

export function mutateMessage(bytes: Uint8Array, random: Random, depth = 0): Uint8Array {
  const fields = fieldsOf(bytes);
  if (fields === undefined || fields.length === 0 || random.chance(0.1)) return mutateBytes(bytes, random);
  const place = random.int(fields.length);
  const field = fields[place]!;
  const replaced = (more: Partial<Field>) => messageOf(fields.with(place, { ...field, ...more }));
  if (field.wire === 2 && depth < 4 && random.chance(0.6))
    return replaced({ payload: mutateMessage(field.payload, random, depth + 1) });
  switch (random.int(8)) {
    case 0:
      return messageOf(fields.toSpliced(place, 1));
    case 1:
      return messageOf(fields.toSpliced(random.int(fields.length), 0, field));
    case 2:
      return replaced({ number: random.pick([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 35, 2 ** 29]) });
    case 3:
      return replaced({ wire: random.pick([0, 1, 2, 3, 4, 5, 6, 7]) });
    case 4: {
      const lie = random.pick([0, 1, 1000, 2 ** 31, 2 ** 32, 2n ** 53n, 2n ** 60n, 2n ** 64n - 1n]);
      return messageOf(fields, (length) => (random.chance(0.3) ? lie : length));
    }
    case 5:
      return replaced(
        field.wire === 0
          ? {
              payload: varint(
                random.pick([0n, 1n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]),
              ),
            }
          : { payload: mutateBytes(field.payload, random) },
      );
    case 6: {
      const times = random.chance(0.9) ? 3 : 2000;
      return messageOf([...fields, ...Array<Field>(times).fill(field)]).subarray(0, 200_000);
    }
    default:
      return messageOf([...fields.slice(place), ...fields.slice(0, place)]);
  }
}
