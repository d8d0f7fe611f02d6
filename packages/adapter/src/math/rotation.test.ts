/** Skew packing, the Cayley map and its series. */
import { RandomStream, type Tensor, tf } from '@psoft/engine';
import { beforeAll, describe, expect, test } from 'vitest';
import { cayley, identityMatrix } from './cayley.ts';
import { neumannCoefficients, neumannSeries } from './neumann.ts';
import { skewFromLowerTriangle, skewIndex, skewMatrix, skewSize } from './skew.ts';

beforeAll(() => tf.setBackend('cpu'));

const RANK = 6;

/** Packed skew-symmetric matrices of spectral norm exactly `size`. */
function packed(size: number, seed = 1, rank = RANK, count = 2): Tensor {
  const stream = RandomStream.from(seed, 'skew test');
  const data = Float32Array.from({ length: count * skewSize(rank) }, () => stream.normal());
  const raw = tf.tensor2d(data, [count, skewSize(rank)]);
  const norms = tf.unstack(skewMatrix(raw, rank)).map((q) => spectralNorm(q));
  return tf.mul(raw, tf.tensor2d(norms.map((norm) => [size / norm])));
}

/** By power iteration on QᵀQ. */
function spectralNorm(q: Tensor): number {
  let v = tf.ones([q.shape[1]!, 1]) as Tensor;
  for (let i = 0; i < 500; i++) {
    v = tf.matMul(q, tf.matMul(q, v), true);
    v = tf.div(v, tf.norm(v));
  }
  return tf.norm(tf.matMul(q, v)).dataSync()[0]!;
}

/** Largest spectral norm of RᵀR - I over the batch. */
function orthogonalityError(r: Tensor): number {
  const rank = r.shape[1]!;
  const errors = tf.unstack(tf.sub(tf.matMul(r, r, true), identityMatrix(rank)));
  return Math.max(...errors.map(spectralNorm));
}

function distance(a: Tensor, b: Tensor): number {
  return tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]!;
}

describe('skew packing', () => {
  test('fills the strict upper triangle row by row, the lower one with the opposite', () => {
    expect(tf.unstack(skewMatrix(tf.tensor2d([[1, 2, 3, 4, 5, 6]]), 4))[0]!.arraySync()).toEqual([
      [0, 1, 2, 3],
      [-1, 0, 4, 5],
      [-2, -4, 0, 6],
      [-3, -5, -6, 0],
    ]);
    expect([skewIndex(4, 0, 1), skewIndex(4, 0, 3), skewIndex(4, 1, 2), skewIndex(4, 2, 3)]).toEqual([
      0, 2, 3, 5,
    ]);
  });

  test('has the gradient of a sum over both places', () => {
    const pull = tf.tensor3d(
      Array.from({ length: 32 }, (_, i) => Math.sin(i)),
      [2, 4, 4],
    );
    const gradient = tf.grad((v: Tensor) => tf.sum(tf.mul(skewMatrix(v, 4), pull)))(tf.zeros([2, 6]));
    const values = pull.arraySync();
    const places = [
      [0, 1],
      [0, 2],
      [0, 3],
      [1, 2],
      [1, 3],
      [2, 3],
    ] as const;
    const expected = values.map((m) => places.map(([i, j]) => m[i]![j]! - m[j]![i]!));
    expect(distance(gradient, tf.tensor2d(expected))).toBe(0);
  });

  test("takes the authors' lower triangle, whose matrix is the opposite", () => {
    // Rows of the strict lower triangle: (1,0), (2,0), (2,1).
    const q = skewMatrix(tf.tensor2d([Array.from(skewFromLowerTriangle(Float32Array.of(1, 2, 3), 3))]), 3);
    expect(tf.unstack(tf.neg(q))[0]!.arraySync()).toEqual([
      [-0, -1, -2],
      [1, -0, -3],
      [2, 3, -0],
    ]);
  });
});

describe('the exact Cayley map', () => {
  test('is orthogonal, also far from the identity', () => {
    for (const size of [0.1, 1, 10]) {
      const r = cayley(skewMatrix(packed(size), RANK), identityMatrix(RANK));
      expect(orthogonalityError(r), `|Q| = ${size}`).toBeLessThan(2e-5);
    }
  });

  test('solves R (I - Q) = I + Q', () => {
    const q = skewMatrix(packed(0.8), RANK);
    const identity = identityMatrix(RANK);
    const left = tf.matMul(cayley(q, identity), tf.sub(identity, q));
    expect(distance(left, tf.add(identity, q))).toBeLessThan(1e-6);
  });

  test("the paper's (I - Q)(I + Q)⁻¹ for W [in, out] is its transpose", () => {
    const q = skewMatrix(packed(0.8), RANK);
    const identity = identityMatrix(RANK);
    const transposed = tf.transpose(cayley(q, identity), [0, 2, 1]);
    // P solves P (I + Q) = I - Q.
    expect(distance(tf.matMul(transposed, tf.add(identity, q)), tf.sub(identity, q))).toBeLessThan(1e-6);
  });
});

describe('the Neumann series', () => {
  const series = (q: Tensor, terms: number, convention: 'peft' | 'paper' = 'peft') =>
    neumannSeries(q, identityMatrix(q.shape[1]!), neumannCoefficients(terms, convention));

  test("has PEFT's coefficients", () => {
    expect([1, 2, 3, 4, 5, 7].map((terms) => neumannCoefficients(terms, 'peft'))).toEqual([
      [1],
      [1, 2],
      [1, 2, 2, 1],
      [1, 2, 2, 1],
      [1, 2, 2, 2, 1],
      [1, 2, 2, 2, 2, 2, 1],
    ]);
  });

  test("the paper's K terms are PEFT's K + 2 from 2 up", () => {
    expect(neumannCoefficients(1, 'paper')).toEqual([1, 2, 1]);
    for (const terms of [2, 3, 5, 8])
      expect(neumannCoefficients(terms, 'paper')).toEqual(neumannCoefficients(terms + 2, 'peft'));
  });

  test('sums the powers', () => {
    const q = skewMatrix(packed(0.9), RANK);
    const powers = [tf.add(tf.zerosLike(q), identityMatrix(RANK)) as Tensor];
    for (let k = 1; k <= 6; k++) powers.push(tf.matMul(powers.at(-1)!, q));
    for (const terms of [1, 2, 4, 5, 7]) {
      const sum = neumannCoefficients(terms, 'peft')
        .map((factor, k) => tf.mul(powers[k]!, factor))
        .reduce((a, b) => tf.add(a, b));
      expect(distance(series(q, terms), sum), `${terms} terms`).toBeLessThan(2e-6);
    }
  });

  test.each([3, 4, 5, 6, 7])(
    'with top power %i misses orthogonality by |Q|^2m for odd m, 2 |Q|^m for even m',
    (power) => {
      const size = 0.5;
      const error = orthogonalityError(series(skewMatrix(packed(size), RANK), power + 1));
      const expected = power % 2 === 1 ? size ** (2 * power) : 2 * size ** power;
      expect(error / expected).toBeGreaterThan(0.6);
      expect(error / expected).toBeLessThan(1.6);
    },
  );

  test("PEFT's default of 5 terms is further from orthogonal than 4", () => {
    const q = skewMatrix(packed(0.3), RANK);
    expect(orthogonalityError(series(q, 5))).toBeGreaterThan(10 * orthogonalityError(series(q, 4)));
  });

  test('tends to the exact map', () => {
    const q = skewMatrix(packed(0.5), RANK);
    expect(distance(series(q, 40), cayley(q, identityMatrix(RANK)))).toBeLessThan(1e-6);
  });
});
