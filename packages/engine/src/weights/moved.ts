/** Arrays that were moved into a file, to take memory once rather than in JavaScript and in every session. */
import { readWeightSync } from './read.ts';
import { readSafetensorsHeader } from './safetensors.ts';
import type { WeightData, WeightDtype, WeightReference, WeightSource } from './source.ts';
import { writeSafetensors } from './write.ts';

const places = new WeakMap<WeightSource, WeightReference>();

/**
 * Writes arrays to a safetensors file and lets go of them: programs compiled from now on map the file, and `data` reads
 * it anew at each use, for whoever still asks. What is written into such an array is lost, so move only what is final.
 * The file must stay as long as anything is compiled from the weights or reads them.
 * @param weights by name; those moved already stay where they are
 * @param dtype F32 changes no number; F16 and BF16 round to nearest, and are widened at each use
 * @returns the bytes that moved
 */
export async function moveToFile(
  file: string,
  weights: ReadonlyMap<string, WeightData>,
  dtype: WeightDtype = 'F32',
): Promise<number> {
  const moving = new Map([...weights].filter(([, source]) => !places.has(source)));
  await writeSafetensors(file, moving, { dtype });
  const { tensors } = await readSafetensorsHeader(file);
  let bytes = 0;
  for (const [name, source] of moving) {
    const place = tensors.get(name)!;
    places.set(source, place);
    Object.defineProperty(source, 'data', { get: () => readWeightSync(place) });
    bytes += place.byteLength;
  }
  return bytes;
}

/** Where a weight lies: for one that was moved its place in the file. */
export function placeOf(source: WeightSource): WeightSource {
  return places.get(source) ?? source;
}

/** {@link placeOf} each of them. */
export function placesOf(weights: ReadonlyMap<string, WeightSource>): Map<string, WeightSource> {
  return new Map([...weights].map(([name, source]) => [name, placeOf(source)]));
}
