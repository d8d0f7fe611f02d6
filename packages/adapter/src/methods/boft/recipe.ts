/** y = s ∘ (W R x) + bias with R a product of block-diagonal factors between butterfly permutations. */
import { type Tensor, tf } from '@psoft/engine';
import { rotateBlocks, scaleOutput } from '../../math/blocks.ts';
import { cayley, identityMatrix } from '../../math/cayley.ts';
import { keepBlocks } from '../../math/dropBlocks.ts';
import { type Dropout, type Recipe, unstack } from '../../stacked.ts';
import type { BoftConfig } from './config.ts';

export const ROTATION = 'boft_R';
export const SCALE = 'boft_s';

/** Spread of the entries when initWeights is false, as in PEFT. */
const RANDOM_INITIAL = 0.1;

export function boftRecipe(config: BoftConfig): Recipe {
  const { boftNButterflyFactor: factors, initWeights } = config;
  return {
    trained: (target) => {
      const { count, size } = config.blocksOf(target);
      return [
        {
          key: ROTATION,
          shape: [factors, count, size, size],
          initialise: (data, stream) => {
            if (!initWeights)
              for (let i = 0; i < data.length; i++) data[i] = RANDOM_INITIAL * stream.normal();
          },
        },
        {
          key: SCALE,
          shape: [target.outFeatures, 1],
          initialise: (data, stream) => {
            for (let i = 0; i < data.length; i++)
              data[i] = 1 + (initWeights ? 0 : RANDOM_INITIAL * stream.normal());
          },
        },
      ];
    },
    prepare: (trained, { modules, dropout }) => {
      const all = rotations(trained[ROTATION]!, config, dropout);
      const scales = unstack(trained[SCALE]!, modules.length);
      return modules.map((_, i) => ({
        scale: scales[i]!,
        ...Object.fromEntries(
          all.slice(i * factors, (i + 1) * factors).map((blocks, k) => [`factor${k}`, blocks]),
        ),
      }));
    },
    apply: (x, base, { own, bias }) => {
      let rotated = x;
      for (let k = factors - 1; k >= 0; k--) rotated = throughFactor(rotated, own[`factor${k}`]!, k);
      return scaleOutput(base(rotated), tf.reshape(own.scale!, [-1]), bias());
    },
    merged: (weight, { own }) => {
      let rotated = weight;
      for (let k = 0; k < factors; k++)
        rotated = throughFactor(rotated, tf.transpose(own[`factor${k}`]!, [0, 2, 1]), k);
      return tf.mul(rotated, own.scale!);
    },
  };
}

/**
 * The orthogonal blocks of every factor, to be multiplied from the right: (I - S)(I + S)⁻¹, S the skew part.
 * @param weight [modules, factors, blocks, b, b]
 * @returns modules · factors tensors [blocks, b, b]
 */
function rotations(weight: Tensor, config: BoftConfig, dropout: Dropout): Tensor[] {
  const [modules, factors, count, size] = weight.shape as [number, number, number, number];
  const flat = tf.reshape(weight, [modules * factors * count, size, size]);
  const skew = tf.mul(tf.sub(tf.transpose(flat, [0, 2, 1]), flat), 0.5);
  const identity = identityMatrix(size);
  const blocks = tf.reshape(cayley(skew, identity), [modules * factors, count, size, size]);
  // PEFT draws one factor and drops that share of its blocks.
  return unstack(keepBlocks(blocks, identity, config.boftDropout / factors, dropout), modules * factors);
}

/** x P D Pᵀ: P gathers blocks that lie 2^k half-blocks apart, D is block-diagonal. @param x [..., n] */
function throughFactor(x: Tensor, blocks: Tensor, k: number): Tensor {
  const [, size] = blocks.shape as [number, number, number];
  const half = size / 2;
  if (k === 0) return rotateBlocks(x, blocks);
  const n = x.shape.at(-1)!;
  // In spans of 2^(k+1) half-blocks: first the even ones, then the odd ones.
  const pairs = 2 ** k;
  const spans = n / (2 * pairs * half);
  const swap = (value: Tensor, first: number, second: number): Tensor =>
    tf.reshape(
      tf.transpose(tf.reshape(value, [-1, spans, first, second, half]), [0, 1, 3, 2, 4]),
      value.shape,
    );
  return swap(rotateBlocks(swap(x, 2, pairs), blocks), pairs, 2);
}
