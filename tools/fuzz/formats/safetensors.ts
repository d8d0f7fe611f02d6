/** Safetensors files taken apart and put together. */

export interface SafetensorsParts {
  readonly header: string;
  readonly data: Uint8Array;
}

export function takeApart(bytes: Uint8Array): SafetensorsParts {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = buffer.length < 8 ? 0 : Number(buffer.readBigUInt64LE(0));
  return { header: buffer.toString('utf8', 8, 8 + length), data: buffer.subarray(8 + length) };
}

export function putTogether({ header, data }: SafetensorsParts): Buffer {
  const text = Buffer.from(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, data]);
}
