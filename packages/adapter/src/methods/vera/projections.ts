/** The random projections that all layers of VeRA share. */
import { NumpyLegacyRandom, type WeightData } from '@psoft/engine';

export interface Projections {
  /** [r, largest in] */
  readonly a: WeightData;
  /** [largest out, r] */
  readonly b: WeightData;
}

/**
 * PEFT's projections for `key`, bit for bit: Kaiming uniform, A drawn before B from one generator of torch's CPU kind.
 * That is an MT19937, of whose 32-bit numbers torch takes the low 24 bits for a float32.
 */
export function drawProjections(
  rank: number,
  inFeatures: number,
  outFeatures: number,
  key: number,
): Projections {
  // The same generator under NumPy's name; torch takes the low 32 bits of the key.
  const generator = new NumpyLegacyRandom(key % 2 ** 32);
  const draw = (rows: number, columns: number): WeightData => {
    const bound = Math.fround(Math.sqrt(3) * (Math.sqrt(2) / Math.sqrt(columns)));
    const data = new Float32Array(rows * columns);
    for (let i = 0; i < data.length; i++)
      data[i] = ((generator.uint32() & 0xffffff) / 2 ** 24) * (2 * bound) - bound;
    return { kind: 'data', data, shape: [rows, columns] };
  };
  const a = draw(rank, inFeatures);
  return { a, b: draw(outFeatures, rank) };
}

/** The first `columns` of each row. */
export function firstColumns({ data, shape }: WeightData, columns: number, into: Float32Array): void {
  const [rows, all] = shape as [number, number];
  for (let row = 0; row < rows; row++) into.set(data.subarray(row * all, row * all + columns), row * columns);
}
