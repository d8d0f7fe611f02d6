/** y = W (R x) + bias with R block-diagonal and orthogonal: the input is rotated, block by block. */
import { type Tensor, tf } from '@psoft/engine';
import { rotateBlocks, scaleOutput } from '../../math/blocks.ts';
import { cayley, identityMatrix } from '../../math/cayley.ts';
import { keepBlocks } from '../../math/dropBlocks.ts';
import { neumannCoefficients, neumannSeries } from '../../math/neumann.ts';
import { skewMatrix, skewSize } from '../../math/skew.ts';
import type { Target } from '../../method.ts';
import { type Dropout, type Recipe, sizeOf, type TrainedTensor, unstackAll } from '../../stacked.ts';
import type { OftConfig } from './config.ts';

export const WEIGHT = 'oft_R.weight';
export const SCALE = 'oft_s';

/** Spread of Q's entries when initWeights is false, as in PEFT. */
const RANDOM_INITIAL = 0.1;

export function oftRecipe(config: OftConfig): Recipe {
  return {
    trained: (target) => trainedTensors(target, config),
    prepare: (trained, { modules, dropout }) => {
      const { length } = modules;
      const { size } = config.blocksOf(modules[0]!.target.inFeatures);
      const weight = trained[WEIGHT];
      const blocks = weight === undefined ? undefined : rotations(weight, size, config, dropout);
      const scale = trained[SCALE];
      return unstackAll({ ...(blocks ? { blocks } : {}), ...(scale ? { scale } : {}) }, length);
    },
    apply: (x, base, { own, bias }) => {
      const y = base(own.blocks ? rotateBlocks(x, own.blocks) : x);
      return own.scale ? scaleOutput(y, own.scale, bias()) : y;
    },
    merged: (weight, { own }) => {
      const rotated = own.blocks ? rotateBlocks(weight, tf.transpose(own.blocks, [0, 2, 1])) : weight;
      return own.scale ? tf.mul(rotated, tf.reshape(own.scale, [-1, 1])) : rotated;
    },
  };
}

function trainedTensors({ inFeatures, outFeatures }: Target, config: OftConfig): TrainedTensor[] {
  const { count, size } = config.blocksOf(inFeatures);
  return [
    {
      key: WEIGHT,
      shape: [config.blockShare ? 1 : count, skewSize(size)],
      initialise: (data, stream) => {
        if (!config.initWeights)
          for (let i = 0; i < data.length; i++) data[i] = RANDOM_INITIAL * stream.normal();
      },
      ...(config.coft ? { constrain: (data: Float32Array) => constrain(data, skewSize(size), config) } : {}),
    },
    ...(config.scaled
      ? [{ key: SCALE, shape: [outFeatures], initialise: (data: Float32Array) => data.fill(1) }]
      : []),
  ];
}

/**
 * The blocks of R, to be multiplied from the right: x R. PEFT's two branches turn in opposite directions for the same
 * values, the exact one by (I - Q)(I + Q)⁻¹, the series towards (I + Q)(I - Q)⁻¹; an adapter means the one it names.
 * @param weight [modules, blocks, b(b-1)/2]
 * @returns [modules, blocks, b, b]; blocks is 1 where they are shared
 */
function rotations(weight: Tensor, size: number, config: OftConfig, dropout: Dropout): Tensor {
  const [modules, count, entries] = weight.shape as [number, number, number];
  const packed = tf.reshape(weight, [modules * count, entries]);
  const identity = identityMatrix(size);
  const q = skewMatrix(config.coft ? constrained(packed, count, config) : packed, size);
  const flat = config.useCayleyNeumann
    ? neumannSeries(q, identity, neumannCoefficients(config.numCayleyNeumannTerms, 'peft'))
    : cayley(tf.neg(q), identity);
  const blocks = tf.reshape(flat, [modules, count, size, size]);
  // As in PEFT, a single block is not dropped.
  return count === 1 ? blocks : keepBlocks(blocks, identity, config.moduleDropout, dropout);
}

/** The bound on |Q|_F of a block, for the vector of its upper triangle: |Q|² = 2 |v|². */
const boundOf = ({ eps, blockShare }: OftConfig, count: number): number =>
  eps / Math.sqrt(blockShare ? 1 : count) / Math.SQRT2;

/**
 * Rows of the packed matrix, those beyond the bound cut to it. PEFT changes the trained values themselves, outside the
 * gradient: so the gradient is that with respect to the result.
 */
function constrained(packed: Tensor, count: number, config: OftConfig): Tensor {
  const bound = boundOf(config, count);
  return tf.customGrad((v) => {
    const relative = tf.div(tf.sum(tf.square(v as Tensor), 1, true), bound ** 2);
    const value = tf.mul(v as Tensor, tf.rsqrt(tf.maximum(relative, 1)));
    return { value, gradFunc: (dy) => dy as Tensor };
  })(packed);
}

/** The same on a module's values, in place: what the optimiser left beyond the bound does not stay. */
function constrain(data: Float32Array, entries: number, config: OftConfig): void {
  if (entries === 0) return;
  const bound = boundOf(config, data.length / entries);
  for (let start = 0; start < data.length; start += entries) {
    const row = data.subarray(start, start + entries);
    const norm = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
    if (norm > bound) for (let i = 0; i < entries; i++) row[i]! *= bound / norm;
  }
}

/** Trained values of one module. */
export function oftCount(target: { inFeatures: number; outFeatures: number }, config: OftConfig): number {
  return trainedTensors(target as Target, config).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}
