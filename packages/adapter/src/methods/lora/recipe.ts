/** y = W x + s B A x, less the principal part of W where A and B start as that (PiSSA). */
import { type RandomStream, type Tensor, tf } from '@psoft/engine';
import type { Target } from '../../method.ts';
import type { BoundModule, Recipe, TrainedTensor } from '../../stacked.ts';
import type { PrincipalPair } from '../pissa/start.ts';
import type { LoraConfig } from './config.ts';

export const LORA_A = 'lora_A.weight';
export const LORA_B = 'lora_B.weight';

/** @param starts of each target, where A and B start as the principal part of its weight */
export function loraRecipe(config: LoraConfig, starts?: ReadonlyMap<string, PrincipalPair>): Recipe {
  return {
    trained: (target) => trainedTensors(target, config, starts?.get(target.name)),
    ...(starts
      ? { frozen: new Map([...starts].map(([name, { a, b }]) => [name, { pissa_A: a, pissa_B: b }])) }
      : {}),
    variant: ({ name }) => String(config.scalingOf(name)),
    apply: (x, base, module) =>
      tf.add(base(x), loraChange(module.dropout(x, config.loraDropout), module, config)),
    lowRank: ({ target, own, frozen }) => {
      const scaling = config.scalingOf(target.name);
      const [a, b] = [own[LORA_A]!, tf.mul(own[LORA_B]!, scaling)];
      if (!starts) return { a, b };
      return {
        a: tf.concat([a, frozen.pissa_A!], 0),
        b: tf.concat([b, tf.mul(frozen.pissa_B!, -scaling)], 1),
      };
    },
  };
}

/** @param x [..., in] @returns s B A x, less the same of the start: [..., out] */
export function loraChange(x: Tensor, { target, own, frozen }: BoundModule, config: LoraConfig): Tensor {
  const rows = x.rank === 2 ? x : tf.reshape(x, [-1, target.inFeatures]);
  const product = (a: Tensor, b: Tensor): Tensor =>
    tf.matMul(tf.matMul(rows, a, false, true), b, false, true);
  const trained = product(own[LORA_A]!, own[LORA_B]!);
  const change = frozen.pissa_A ? tf.sub(trained, product(frozen.pissa_A, frozen.pissa_B!)) : trained;
  const scaling = config.scalingOf(target.name);
  const scaled = scaling === 1 ? change : tf.mul(change, scaling);
  return x.rank === 2 ? scaled : tf.reshape(scaled, [...x.shape.slice(0, -1), target.outFeatures]);
}

function trainedTensors(
  { name, inFeatures, outFeatures }: Target,
  config: LoraConfig,
  start: PrincipalPair | undefined,
): TrainedTensor[] {
  const rank = config.rankOf(name);
  const { initLoraWeights: init } = config;
  const uniform = (bound: number) => (data: Float32Array, stream: RandomStream) => {
    for (let i = 0; i < data.length; i++) data[i] = bound * (2 * stream.uniform() - 1);
  };
  const gaussian = (data: Float32Array, stream: RandomStream) => {
    for (let i = 0; i < data.length; i++) data[i] = stream.normal() / rank;
  };
  const a = { key: LORA_A, shape: [rank, inFeatures] };
  const b = { key: LORA_B, shape: [outFeatures, rank] };
  if (start)
    return [
      { ...a, initialise: (data) => data.set(start.a.data) },
      { ...b, initialise: (data) => data.set(start.b.data) },
    ];
  return [
    { ...a, initialise: init === 'gaussian' ? gaussian : uniform(1 / Math.sqrt(inFeatures)) },
    { ...b, ...(init === false ? { initialise: uniform(1 / Math.sqrt(rank)) } : {}) },
  ];
}
