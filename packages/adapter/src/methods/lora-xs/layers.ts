/** y = W x + s B R A x with A = S Vᵀ and B = U of the top r of W, frozen. */
import { tf, type WeightData } from '@psoft/engine';
import { type BasisPair, basisMembers } from '../../basisRecord.ts';
import { matrixWithSigns } from '../../math/skew.ts';
import type { AdapterLayers, InitialiseOptions, Target } from '../../method.ts';
import { checkRank, ofEachTarget, outlineFactors, weightTriples } from '../../principal.ts';
import { type Recipe, stackLayers } from '../../stacked.ts';
import type { LoraXsConfig } from './config.ts';

export const LATENT = 'lora_latent_mapping.weight';

/** Spread of R's entries when initWeights is false: enough to tell a wrong layer from a right one. */
const RANDOM_INITIAL = 0.1;

export async function loraXsLayers(
  targets: readonly Target[],
  config: LoraXsConfig,
  { seed, onProgress }: InitialiseOptions,
): Promise<AdapterLayers> {
  for (const target of targets) checkRank('lora-xs', target, config.r);
  const pairs = await ofEachTarget(targets, onProgress, (target) => principalPair(target, config));
  return stackLayers(targets, loraXsRecipe(config, pairs), seed);
}

async function principalPair(target: Target, config: LoraXsConfig): Promise<BasisPair> {
  const { r, svd, svdNiter, randomSeed } = config;
  const outline = outlineFactors(target, r);
  if (outline !== undefined) return outline;
  const { u, s, vt } = await weightTriples(
    'lora-xs',
    target,
    r,
    svd === 'full' ? { method: 'full' } : { method: 'lowrank', iterations: svdNiter, seed: randomSeed },
  );
  const a = vt.map((value, i) => value * s[Math.floor(i / target.inFeatures)]!);
  return {
    a: { kind: 'data', data: a, shape: [r, target.inFeatures] },
    b: { kind: 'data', data: u, shape: [target.outFeatures, r] },
  };
}

function loraXsRecipe(config: LoraXsConfig, pairs: ReadonlyMap<string, BasisPair>): Recipe {
  const { r, scaling, loraDropout, initWeights, initStd } = config;
  return {
    trained: () => [
      {
        key: LATENT,
        shape: [r, r],
        initialise: (data, stream) => {
          const spread = initWeights ? initStd : RANDOM_INITIAL;
          for (let i = 0; i < data.length; i++) data[i] = spread * stream.normal();
        },
      },
    ],
    frozen: new Map(
      [...pairs].map(([name, { a, b }]): [string, Record<string, WeightData>] => [
        name,
        { lora_A: a, lora_B: b },
      ]),
    ),
    apply: (x, base, { target, own, frozen, dropout }) => {
      const dropped = dropout(x, loraDropout);
      const rows = dropped.rank === 2 ? dropped : tf.reshape(dropped, [-1, target.inFeatures]);
      const latent = tf.matMul(tf.matMul(rows, frozen.lora_A!, false, true), own[LATENT]!, false, true);
      const change = tf.matMul(scaling === 1 ? latent : tf.mul(latent, scaling), frozen.lora_B!, false, true);
      const y = base(x);
      return tf.add(y, x.rank === 2 ? change : tf.reshape(change, y.shape));
    },
    lowRank: ({ own, frozen }) => ({
      a: tf.add(frozen.lora_A!, 0),
      b: tf.mul(tf.matMul(frozen.lora_B!, own[LATENT]!), scaling),
    }),
    ...basisMembers(pairs, (_, data, signs) => matrixWithSigns(data, signs)),
  };
}
