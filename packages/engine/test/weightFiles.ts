/** Help for tests of weight files: temporary folders, and safetensors bytes put together by hand, right or wrong. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { WeightData } from '../src/weights/source.ts';

/** A folder that lives as long as the test file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'weights-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Length, header and data as a file's bytes. The header goes in as it is given, the length unless stated fits it. */
export function rawFile(header: string | Uint8Array | object, dataLength = 0, headerLength?: bigint): Buffer {
  const isText = typeof header === 'string' || header instanceof Uint8Array;
  const json = Buffer.from(isText ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(headerLength ?? BigInt(json.length));
  return Buffer.concat([length, json, Buffer.alloc(dataLength, 1)]);
}

/** Writes bytes to a file of the folder and gives its path. */
export function placed(folder: string, name: string, bytes: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

/** A float32 tensor in memory. */
export function data(shape: readonly number[], values: Iterable<number>): WeightData {
  return { kind: 'data', data: Float32Array.from(values), shape };
}

/** The bits of float32 values: equal exactly when NaN payloads and signs of zero are. */
export function bitsOf(values: Float32Array): number[] {
  return [...new Uint32Array(values.buffer, values.byteOffset, values.length)];
}
