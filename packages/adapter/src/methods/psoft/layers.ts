/** PSOFT on all target modules of a model. */
import { type Tensor, type TensorMap, tf, type WeightData } from '@psoft/engine';
import { basisMembers } from '../../basisRecord.ts';
import { identityMatrix } from '../../math/cayley.ts';
import { matrixWithSigns, skewSize, skewWithSigns } from '../../math/skew.ts';
import type { AdapterLayers, InitialiseOptions, Target } from '../../method.ts';
import { checkRank, ofEachTarget } from '../../principal.ts';
import { type Recipe, stackLayers, type TrainedTensor, unstack } from '../../stacked.ts';
import { type PrincipalSubspace, principalSubspace } from './basis.ts';
import type { PsoftConfig } from './config.ts';
import { addRotated, cores, type PsoftTensors, rotations } from './layer.ts';

/** Trained tensors by PEFT's key. */
const WEIGHT = 'psoft_R.weight';
const INPUT_MAGNITUDE = 'psoft_R.vector_a';
const OUTPUT_MAGNITUDE = 'psoft_R.vector_b';

/** Spread of R's entries when initWeights is false, as in PEFT. */
const RANDOM_INITIAL = 0.1;

export async function psoftLayers(
  targets: readonly Target[],
  config: PsoftConfig,
  { seed, onProgress }: InitialiseOptions,
): Promise<AdapterLayers> {
  for (const target of targets) checkRank('psoft', target, config.r);
  const subspaces = await ofEachTarget(targets, onProgress, (target) => principalSubspace(target, config));
  return stackLayers(targets, psoftRecipe(config, subspaces), seed);
}

function psoftRecipe(config: PsoftConfig, subspaces: ReadonlyMap<string, PrincipalSubspace>): Recipe {
  const { psoftDropout, orthogonalityPenalty } = config;
  const filling = fillingOf(config.r);
  const frozen = new Map(
    [...subspaces].map(([name, { a, b }]): [string, Record<string, WeightData>] => [
      name,
      { psoft_A: a, psoft_B: b },
    ]),
  );
  return {
    trained: () => trainedTensors(config),
    frozen,
    prepare: (trained, { modules: { length } }) => {
      const all = padded(cores(tensorsOf(trained), length, config), [0, filling, filling]);
      return unstack(all, length).map((core) => ({ core }));
    },
    apply: (x, base, { own, frozen, dropout }) => {
      const [a, b] = [padded(frozen.psoft_A!, [filling, 0]), padded(frozen.psoft_B!, [0, filling])];
      return addRotated(dropout(x, psoftDropout), base(x), a, b, own.core!);
    },
    lowRank: ({ own, frozen }) => ({
      a: tf.add(frozen.psoft_A!, 0),
      b: tf.matMul(frozen.psoft_B! as never, tf.slice(own.core!, [0, 0], [config.r, config.r]) as never),
    }),
    ...(orthogonalityPenalty > 0
      ? { penalty: (groups: readonly TensorMap[]) => penalty(groups, config) }
      : {}),
    // R in the other basis is D R D; the vectors commute with D.
    ...basisMembers(subspaces, (key, data, signs) =>
      key === WEIGHT ? (config.psoftOrth ? skewWithSigns : matrixWithSigns)(data, signs) : data,
    ),
  };
}

/** Matrix units of GPUs take rows whose bytes are a multiple of 16 (32 in the 16-bit types' fast path). */
const ALIGNED = 8;

/** Zeros that bring a rank to a multiple of {@link ALIGNED}; small ranks are left alone. */
function fillingOf(rank: number): number {
  return rank > ALIGNED ? (ALIGNED - (rank % ALIGNED)) % ALIGNED : 0;
}

/** x with so many zeros behind each axis. */
function padded(x: Tensor, after: readonly number[]): Tensor {
  return after.every((count) => count === 0)
    ? x
    : tf.pad(
        x,
        after.map((count): [number, number] => [0, count]),
      );
}

/**
 * gamma times the mean over modules of |RᵀR - I|_F: the regularised rival of strict orthogonality (section 5, Table 6).
 * The paper takes it from AdaLoRA, whose code has the norm itself, not its square, and the mean over matrices.
 */
function penalty(groups: readonly TensorMap[], config: PsoftConfig): Tensor {
  const norms = groups.map((trained) => {
    const r = rotations(trained[WEIGHT], config);
    const excess = tf.sub(tf.matMul(r, r, true, false), identityMatrix(config.r));
    // The root has no gradient at 0, where training starts; the tiny term is below float32's resolution elsewhere.
    return tf.sqrt(tf.add(tf.sum(tf.square(excess), [1, 2]), 1e-20));
  });
  return tf.mul(tf.mean(tf.concat(norms)), config.orthogonalityPenalty);
}

function tensorsOf(trained: TensorMap): PsoftTensors {
  return {
    weight: trained[WEIGHT],
    inputMagnitude: trained[INPUT_MAGNITUDE],
    outputMagnitude: trained[OUTPUT_MAGNITUDE],
  };
}

/** Q = 0 (or R = I) and ones, so that training starts from the base model; random ones for tests if asked for. */
function trainedTensors({ r, psoftOrth, psoftMagA, psoftMagB, initWeights }: PsoftConfig): TrainedTensor[] {
  const ones = (key: string): TrainedTensor => ({ key, shape: [r], initialise: (data) => data.fill(1) });
  return [
    {
      key: WEIGHT,
      shape: psoftOrth ? [skewSize(r)] : [r, r],
      initialise: (data, stream) => {
        if (!psoftOrth) for (let i = 0; i < r; i++) data[i * r + i] = 1;
        if (!initWeights) for (let i = 0; i < data.length; i++) data[i]! += RANDOM_INITIAL * stream.normal();
      },
    },
    ...(psoftMagA ? [ones(INPUT_MAGNITUDE)] : []),
    ...(psoftMagB ? [ones(OUTPUT_MAGNITUDE)] : []),
  ];
}
