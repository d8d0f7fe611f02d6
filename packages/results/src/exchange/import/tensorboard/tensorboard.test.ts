/** Against files that TensorBoard's own writer wrote, and what TensorBoard reads in them (tools/reference/tensorboard_events.py). */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { ImportedRecord } from '../../../imported/schema.ts';
import { readResults, type SourceFile } from '../index.ts';
import { crc32c, maskedCrc32c } from './tfrecord.ts';

const FIXTURES = fileURLToPath(new URL('../../../../test/fixtures/tensorboard', import.meta.url));
const NAME = 'events.out.tfevents.1780000000.host.1.0';
const expected = JSON.parse(readFileSync(`${FIXTURES}/expected.json`, 'utf8')) as Record<
  string,
  Record<string, [number, number][]>
>;

const bytesOf = (run: string) => readFileSync(`${FIXTURES}/${run}/${NAME}`);
const source = (run: string, bytes: Uint8Array = bytesOf(run)): SourceFile => ({
  path: `${FIXTURES}/${run}/${NAME}`,
  bytes,
  importedAt: '2026-12-01T00:00:00.000Z',
});
const read = (...args: Parameters<typeof source>): ImportedRecord => readResults(source(...args))[0]!;
const pairs = ({ trainInfo }: ImportedRecord) =>
  Object.fromEntries(
    trainInfo.series!.map(({ name, steps, values }) => [name, steps.map((step, i) => [step, values[i]])]),
  );

describe("TensorBoard's event files", () => {
  it.each(Object.keys(expected))('give the scalars that TensorBoard reads: %s', (run) => {
    const record = read(run);
    expect(pairs(record)).toEqual(expected[run]);
    expect(record.runInfo).toEqual({ name: run, profile: 'imported', createdAt: '2026-05-28T20:26:40.000Z' });
    expect(record.importedFrom).toMatchObject({ format: 'tensorboard', file: NAME });
    expect(record.trainInfo.test).toBeUndefined();
  });

  it('have wall times, and name what is left out', () => {
    const record = read('plain');
    expect(record.trainInfo.series!.find(({ name }) => name === 'lr')!.seconds).toEqual([0, 2.5, 5, 7.5, 10]);
    expect(record.importedFrom.leftOut).toEqual([
      '1 values of kind histogram',
      '1 values of kind text',
      '1 values of kind hparams',
      'train/loss: 2 values that are not finite, the first at step 45',
    ]);
    expect(read('tensors').importedFrom.leftOut).toEqual(['3 values of kind pr_curves']);
    expect(read('restarted').importedFrom.leftOut).toBeUndefined();
  });

  it('that still grow give what is whole, and say so', () => {
    const whole = bytesOf('restarted');
    const record = read('restarted', Buffer.from(whole.subarray(0, whole.length - 20)));
    expect(pairs(record)).toEqual(expected.restarted);
    expect(record.importedFrom.leftOut).toEqual([
      expect.stringMatching(/^the last record, which is cut off/),
    ]);
  });

  it('that are damaged are refused, with the place', () => {
    const whole = bytesOf('plain');
    for (const [at, message] of [
      [whole.length - 30, /the record at byte \d+ does not match its checksum: the file is damaged/],
      // The length of the second record.
      [40, /the length of the record at byte 40 does not match its checksum/],
    ] as const) {
      const damaged = Buffer.from(whole);
      damaged[at]! ^= 1;
      expect(() => read('plain', damaged)).toThrow(message);
    }
  });

  it('without scalars, or of another kind of TFRecord, are errors', () => {
    const whole = bytesOf('plain');
    const first = 12 + Number(whole.readBigUInt64LE(0)) + 4;
    expect(() => read('plain', whole.subarray(0, first))).toThrow('holds no scalars');
    expect(() => read('plain', whole.subarray(first))).toThrow('states no brain.Event version');
    expect(() => read('plain', framed(new Uint8Array([0xff])))).toThrow('record 0 is no TensorBoard event');
    // wall_time 0, file_version "brain.Event:1"
    const old = Buffer.concat([Buffer.from([0x1a, 13]), Buffer.from('brain.Event:1')]);
    expect(() => read('plain', framed(old))).toThrow('events of version 1 are not known');
  });
});

describe('crc32c', () => {
  it('gives the check values of RFC 3720', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
  });
});

/** One record in its frame. */
function framed(data: Uint8Array): Buffer {
  const frame = Buffer.alloc(16 + data.length);
  frame.writeBigUInt64LE(BigInt(data.length), 0);
  frame.writeUInt32LE(maskedCrc32c(frame.subarray(0, 8)), 8);
  frame.set(data, 12);
  frame.writeUInt32LE(maskedCrc32c(data), 12 + data.length);
  return frame;
}
