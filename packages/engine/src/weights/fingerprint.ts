import { createHash } from 'node:crypto';
import { bytesOf } from './bytes.ts';
import { placeOf } from './moved.ts';
import { elementCount, readElements } from './read.ts';
import type { WeightSource } from './source.ts';

/** Elements hashed at a time: memory stays at some MB whatever the tensor's size. A multiple of two blocks of any size. */
const CHUNK = 2 ** 20;

/**
 * SHA-256, in hex, of what a set of weights is: names, shapes, and values as float32.
 *
 * Hashed are, in the order of names, the line `["name",[shape]]` and the little-endian float32 values. So the
 * fingerprint does not depend on the order in a file, on shards, on metadata, or on the storage type: a BF16
 * checkpoint and its F32 copy are the same weights and share it, and so do weights in 4 bits and what they stand for.
 * Tensors of other types (buffers) have no part.
 * @throws WeightFileError if a file cannot be read; Error if a shape does not fit its data.
 */
export async function fingerprintWeights(weights: ReadonlyMap<string, WeightSource>): Promise<string> {
  const hash = createHash('sha256');
  for (const name of [...weights.keys()].sort()) {
    const source = placeOf(weights.get(name)!);
    const count = source.kind === 'data' ? source.data.length : elementCount(source);
    const expected = source.shape.reduce((product, size) => product * size, 1);
    if (count !== expected) {
      const problem = `shape [${source.shape}] does not describe its ${count} elements`;
      throw new Error(`fingerprint of weight ${JSON.stringify(name)}: ${problem}`);
    }
    hash.update(`${JSON.stringify([name, source.shape])}\n`);
    for (let first = 0; first < count; first += CHUNK) {
      const length = Math.min(CHUNK, count - first);
      const values =
        source.kind === 'data'
          ? source.data.subarray(first, first + length)
          : await readElements(source, first, length);
      hash.update(bytesOf(values));
    }
  }
  return hash.digest('hex');
}
