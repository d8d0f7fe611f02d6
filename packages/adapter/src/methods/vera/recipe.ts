/** y = W x + b ∘ B (d ∘ A x) with random A and B that all layers share, each its own part. */
import { tf, type WeightData } from '@psoft/engine';
import type { Target } from '../../method.ts';
import type { Recipe } from '../../stacked.ts';
import type { VeraConfig } from './config.ts';
import { drawProjections, firstColumns } from './projections.ts';

export const LAMBDA_B = 'vera_lambda_b';
export const LAMBDA_D = 'vera_lambda_d';

export function veraRecipe(targets: readonly Target[], config: VeraConfig): Recipe {
  const { r, veraDropout, initWeights, dInitial, projectionPrngKey, saveProjection } = config;
  const largest = (of: (target: Target) => number): number => Math.max(...targets.map(of));
  const { a, b } = drawProjections(
    r,
    largest(({ inFeatures }) => inFeatures),
    largest(({ outFeatures }) => outFeatures),
    projectionPrngKey,
  );
  // One slice for each width that occurs.
  const shared: Record<string, WeightData> = {};
  for (const { inFeatures, outFeatures } of targets) {
    shared[`vera_A.${inFeatures}`] = {
      kind: 'data',
      data: new Float32Array(r * inFeatures),
      shape: [r, inFeatures],
    };
    shared[`vera_B.${outFeatures}`] = {
      kind: 'data',
      data: b.data.subarray(0, outFeatures * r),
      shape: [outFeatures, r],
    };
  }
  const cut = (): void => {
    for (const [name, { data, shape }] of Object.entries(shared))
      if (name.startsWith('vera_A.')) firstColumns(a, shape[1]!, data);
  };
  cut();
  return {
    trained: ({ outFeatures }) => [
      {
        key: LAMBDA_B,
        shape: [outFeatures],
        initialise: (data) => data.fill(initWeights ? 0 : 1),
      },
      {
        key: LAMBDA_D,
        shape: [r],
        initialise: (data, stream) => {
          for (let i = 0; i < r; i++) data[i] = initWeights ? dInitial : stream.normal();
        },
      },
    ],
    shared,
    ...(saveProjection
      ? {
          savedWeights: new Map([
            ['base_model.vera_A', a],
            ['base_model.vera_B', b],
          ]),
          weightsLoaded: cut,
        }
      : {}),
    apply: (x, base, { target, own, frozen, dropout }) => {
      const dropped = dropout(x, veraDropout);
      const rows = dropped.rank === 2 ? dropped : tf.reshape(dropped, [-1, target.inFeatures]);
      const inner = tf.mul(
        tf.matMul(rows, frozen[`vera_A.${target.inFeatures}`]!, false, true),
        own[LAMBDA_D]!,
      );
      const outer = tf.matMul(inner, frozen[`vera_B.${target.outFeatures}`]!, false, true);
      const change = tf.mul(outer, own[LAMBDA_B]!);
      const y = base(x);
      return tf.add(y, x.rank === 2 ? change : tf.reshape(change, y.shape));
    },
    lowRank: ({ target, own, frozen }) => ({
      a: tf.mul(frozen[`vera_A.${target.inFeatures}`]!, tf.reshape(own[LAMBDA_D]!, [-1, 1])),
      b: tf.mul(frozen[`vera_B.${target.outFeatures}`]!, tf.reshape(own[LAMBDA_B]!, [-1, 1])),
    }),
  };
}
