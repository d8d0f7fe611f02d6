/**
 * TFRecord files: length (8 bytes, little-endian), masked CRC-32C of the length, data, masked CRC-32C of the data.
 * As TensorFlow's documentation of the format has it.
 */
import { RecordError } from '../../../schema.ts';

const HEADER_BYTES = 12;
const FOOTER_BYTES = 4;
const MASK_DELTA = 0xa282ead8;

export interface TfRecords {
  readonly records: readonly Uint8Array[];
  /** The file ends inside a record: its writer is at work, or was killed. */
  readonly isCutOff: boolean;
}

/** @throws RecordError with the offset where a checksum does not match */
export function readTfRecords(bytes: Uint8Array): TfRecords {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const records: Uint8Array[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (bytes.length - at < HEADER_BYTES) return { records, isCutOff: true };
    if (maskedCrc32c(bytes.subarray(at, at + 8)) !== view.getUint32(at + 8, true))
      throw new RecordError(`the length of the record at byte ${at} does not match its checksum`);
    const length = Number(view.getBigUint64(at, true));
    const data = at + HEADER_BYTES;
    if (bytes.length < data + length + FOOTER_BYTES) return { records, isCutOff: true };
    const record = bytes.subarray(data, data + length);
    if (maskedCrc32c(record) !== view.getUint32(data + length, true))
      throw new RecordError(`the record at byte ${at} does not match its checksum: the file is damaged`);
    records.push(record);
    at = data + length + FOOTER_BYTES;
  }
  return { records, isCutOff: false };
}

/** Whether a file begins as such a file does. */
export function isTfRecordFile(bytes: Uint8Array): boolean {
  if (bytes.length < HEADER_BYTES) return false;
  const stored = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(8, true);
  return maskedCrc32c(bytes.subarray(0, 8)) === stored;
}

/** Rotated and shifted, so that a checksum of data that holds checksums stays a good one. */
export function maskedCrc32c(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0;
}

/** CRC-32 of Castagnoli's polynomial (RFC 3720, appendix B.4), bits reflected. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = TABLE[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  return value;
});
