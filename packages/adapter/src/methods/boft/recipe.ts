/** y = s ∘ (W R x) + bias with R a product of block-diagonal factors between butterfly permutations. */
import { type Tensor, tf } from '@psoft/engine';
import { scaleOutput } from '../../math/blocks.ts';
import { cayley, identityMatrix } from '../../math/cayley.ts';
import { keepBlocks } from '../../math/dropBlocks.ts';
import { type Dropout, type Recipe, unstack } from '../../stacked.ts';
import { rotateButterfly } from './butterfly.ts';
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
      const blocks = Array.from({ length: factors }, (_, k) => own[`factor${k}`]!);
      return scaleOutput(base(rotateButterfly(x, blocks)), tf.reshape(own.scale!, [-1]), bias());
    },
    merged: (weight, { own }) => {
      const transposed = Array.from({ length: factors }, (_, k) =>
        tf.transpose(own[`factor${k}`]!, [0, 2, 1]),
      );
      return tf.mul(rotateButterfly(weight, transposed, true), own.scale!);
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
