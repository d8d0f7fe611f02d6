/** y = W S G₀ G₁ ... x + bias: the input goes through Givens rotations, the widest stage first. */
import { type Tensor, type TensorMap, tf } from '@psoft/engine';
import { rotateBlocks } from '../../math/blocks.ts';
import { type Recipe, type TrainedTensor, unstackAll } from '../../stacked.ts';
import type { GoftConfig } from './config.ts';
import { type Level, levelsOf, placement } from './stages.ts';

export const ANGLES = 'givens_hard';
export const MATRICES = 'givens_soft';
export const SCALER = 'givens_scaler';

/** Spread of the values when initWeights is false. */
const RANDOM_INITIAL = 0.1;

export function goftRecipe(config: GoftConfig): Recipe {
  const { strictOft, noScaling, initWeights } = config;
  const noise = (data: Float32Array, normal: () => number): void => {
    if (!initWeights) for (let i = 0; i < data.length; i++) data[i]! += RANDOM_INITIAL * normal();
  };
  return {
    trained: ({ inFeatures: n }): TrainedTensor[] => [
      strictOft
        ? { key: ANGLES, shape: [n - 1], initialise: (data, stream) => noise(data, () => stream.normal()) }
        : {
            key: MATRICES,
            shape: [n - 1, 2, 2],
            initialise: (data, stream) => {
              for (let i = 0; i < data.length; i += 4) data[i] = data[i + 3] = 1;
              noise(data, () => stream.normal());
            },
          },
      ...(noScaling ? [] : [{ key: SCALER, shape: [n], initialise: (data: Float32Array) => data.fill(1) }]),
    ],
    prepare: (trained, { modules }) => {
      const levels = levelsOf(modules[0]!.target.inFeatures);
      const scaler = trained[SCALER];
      return unstackAll(
        { ...levelMatrices(trained, levels, modules.length), ...(scaler ? { scaler } : {}) },
        modules.length,
      );
    },
    apply: (x, base, { target, own }) => {
      const rotated = throughRotations(x, levelsOf(target.inFeatures), own);
      return base(own.scaler ? tf.mul(rotated, own.scaler) : rotated);
    },
    merged: (weight, { target, own }) =>
      throughTransposed(own.scaler ? tf.mul(weight, own.scaler) : weight, levelsOf(target.inFeatures), own),
  };
}

/**
 * The four numbers G00, G01, G10, G11 of every rotation. Angles are pi tanh(v), as in the released code.
 * @returns [modules, n - 1] each
 */
function pairEntries(trained: TensorMap): Tensor[] {
  const angles = trained[ANGLES];
  if (angles === undefined) {
    const matrices = trained[MATRICES]!;
    const [modules, count] = matrices.shape as [number, number];
    // [4, modules, n - 1]
    const entries = tf.transpose(tf.reshape(matrices, [modules, count, 4]), [2, 0, 1]);
    return tf.unstack(entries);
  }
  const theta = tf.mul(tf.tanh(angles), Math.PI);
  const [cos, sin] = [tf.cos(theta), tf.sin(theta)];
  return [cos, tf.neg(sin), sin, cos];
}

/**
 * Each level's stages multiplied out, inside its blocks, for all modules in one batch.
 * @returns "level0", ...: [modules, blocks, size, size], to be multiplied from the left
 */
function levelMatrices(trained: TensorMap, levels: readonly Level[], modules: number): TensorMap {
  if (levels.length === 0) return {};
  const entries = pairEntries(trained);
  return Object.fromEntries(
    levels.map(({ size, blocks, stages }, index) => {
      const factors = stages.map(({ offset, count }, stage) => {
        const { select, rest, pairs } = placement(size, stage);
        const missing = blocks * pairs - count;
        const padded = entries.map((entry, which) => {
          const own = tf.slice(entry, [0, offset], [modules, count]);
          // A pair whose partner does not exist stays as it is.
          const identity = which === 0 || which === 3 ? 1 : 0;
          const all =
            missing === 0
              ? own
              : tf.pad(
                  own,
                  [
                    [0, 0],
                    [0, missing],
                  ],
                  identity,
                );
          return tf.reshape(all, [modules * blocks, pairs]);
        });
        const flat = tf.matMul(tf.concat(padded, 1), tf.tensor2d(select, [4 * pairs, size * size]));
        return tf.reshape(tf.add(flat, tf.tensor1d(rest)), [modules * blocks, size, size]);
      });
      const product = factors.reduce((left, right) => tf.matMul(left, right));
      return [`level${index}`, tf.reshape(product, [modules, blocks, size, size])];
    }),
  );
}

/** R x for rows x, the widest stages first. @param x [..., n] */
function throughRotations(x: Tensor, levels: readonly Level[], own: TensorMap): Tensor {
  return onLevels(x, levels, (rows, index, next) =>
    rotatePadded(next(rows), levels[index]!, tf.transpose(own[`level${index}`]!, [0, 2, 1])),
  );
}

/** x R for rows x, the narrowest stages first. */
function throughTransposed(x: Tensor, levels: readonly Level[], own: TensorMap): Tensor {
  return onLevels(x, levels, (rows, index, next) =>
    next(rotatePadded(rows, levels[index]!, own[`level${index}`]!)),
  );
}

/**
 * Runs `act` on the rows of each level; `next` does so on the first entry of each block, where the wider stages act.
 */
function onLevels(
  x: Tensor,
  levels: readonly Level[],
  act: (rows: Tensor, index: number, next: (rows: Tensor) => Tensor) => Tensor,
): Tensor {
  const from = (rows: Tensor, index: number): Tensor => {
    const next = (current: Tensor): Tensor => {
      if (index + 1 === levels.length) return current;
      const { size, blocks, entries } = levels[index]!;
      const count = current.shape[0]!;
      const byBlock = tf.reshape(padTo(current, blocks * size), [count, blocks, size]);
      const heads = tf.reshape(tf.slice(byBlock, [0, 0, 0], [count, blocks, 1]), [count, blocks]);
      const moved = tf.reshape(from(heads, index + 1), [count, blocks, 1]);
      const others = tf.slice(byBlock, [0, 0, 1], [count, blocks, size - 1]);
      return cutTo(tf.reshape(tf.concat([moved, others], 2), [count, blocks * size]), entries);
    };
    return act(rows, index, next);
  };
  if (levels.length === 0) return x;
  return tf.reshape(from(tf.reshape(x, [-1, x.shape.at(-1)!]), 0), x.shape);
}

function rotatePadded(rows: Tensor, { size, blocks, entries }: Level, matrices: Tensor): Tensor {
  return cutTo(rotateBlocks(padTo(rows, blocks * size), matrices), entries);
}

const padTo = (rows: Tensor, width: number): Tensor => {
  const missing = width - rows.shape[1]!;
  return missing === 0
    ? rows
    : tf.pad(rows, [
        [0, 0],
        [0, missing],
      ]);
};

const cutTo = (rows: Tensor, width: number): Tensor =>
  rows.shape[1] === width ? rows : tf.slice(rows, [0, 0], [rows.shape[0]!, width]);
