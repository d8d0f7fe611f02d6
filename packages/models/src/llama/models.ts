import {
  checkpoint,
  type Model,
  rmsNorm,
  rotaryEmbedding,
  type Scope,
  swiglu,
  type Tensor,
  type TensorMap,
  tf,
  type WeightSource,
} from '@psoft/engine';
import { ACTIVATIONS } from '../activations.ts';
import { wordOutputs } from '../decoder/head.ts';
import { DecoderPass } from '../decoder/pass.ts';
import { type LlamaConfig, parseLlamaConfig } from './config.ts';
import { EMBEDDINGS, FINAL_NORM, layerNames, llamaParameters, wordHeadName } from './parameters.ts';
import { ropeTables } from './rope.ts';

/**
 * Llama 2 and 3 (Touvron et al. 2023, Grattafiori et al. 2024). Inputs and outputs: see `decoder/pass.ts` and
 * {@link wordOutputs}; beside them the keys and values of every layer.
 * @param raw the parsed config.json
 * @throws ModelConfigError for an unsupported setting, ModelWeightsError for missing or misshapen weights
 */
export function llamaForCausalLM(
  raw: Record<string, unknown>,
  weights: ReadonlyMap<string, WeightSource>,
): Model {
  const config = parseLlamaConfig(raw);
  const list = llamaParameters(config);
  return {
    architecture: 'LlamaForCausalLM',
    config: raw,
    weights: list.select(weights),
    linears: list.linears,
    headModules: list.headModules,
    forward: (scope, inputs) => forward(scope, config, inputs),
  };
}

function forward(scope: Scope, config: LlamaConfig, inputs: TensorMap): TensorMap {
  const pass = new DecoderPass(inputs);
  const { batch, length } = pass;
  const ids = tf.reshape(inputs.inputIds!, [batch * length]);
  const turn = rotation(config, pass);
  let x = tf.gather(scope.weight(`${EMBEDDINGS}.weight`), ids as never) as Tensor;
  for (let i = 0; i < config.layers; i++) x = layer(scope, config, checkpoint(x), i, pass, turn);
  const words = `${wordHeadName(config)}.weight`;
  const outputs = wordOutputs(normalise(scope, config, checkpoint(x), FINAL_NORM), inputs, {
    weight: scope.weight(words),
    isTrained: scope.isTrained(words),
  });
  return { ...outputs, ...pass.cache };
}

/** Turns queries and keys [batch, heads, length, size] by their places. Only differences of places matter. */
function rotation({ rope, headSize }: LlamaConfig, pass: DecoderPass): (x: Tensor) => Tensor {
  const { cos, sin } = ropeTables(rope, headSize, pass.places);
  const shape = [pass.places, headSize / 2];
  const [cosines, sines] = [tf.tensor(cos, shape, 'float32'), tf.tensor(sin, shape, 'float32')];
  const columns = pass.columns();
  return (x) => rotaryEmbedding(x, columns, cosines, sines);
}

function normalise(scope: Scope, config: LlamaConfig, x: Tensor, name: string): Tensor {
  return rmsNorm(x, scope.weight(`${name}.weight`), config.rmsNormEpsilon);
}

/** @param x [batch·length, hidden] */
function layer(
  scope: Scope,
  config: LlamaConfig,
  x: Tensor,
  index: number,
  pass: DecoderPass,
  turn: (x: Tensor) => Tensor,
): Tensor {
  const names = layerNames(index);
  const { heads, kvHeads, headSize, attentionDropout, activation } = config;
  const { batch, length } = pass;
  const split = (y: Tensor, count: number) =>
    tf.transpose(tf.reshape(y, [batch, length, count, headSize]), [0, 2, 1, 3]);
  const normal = normalise(scope, config, x, names.normBefore);
  const query = turn(split(scope.linear(normal, names.query), heads));
  const key = turn(split(scope.linear(normal, names.key), kvHeads));
  const value = split(scope.linear(normal, names.value), kvHeads);
  const mixed = pass.attend({
    layer: index,
    query: tf.mul(query, 1 / Math.sqrt(headSize)),
    key,
    value,
    dropout: (probabilities) => scope.dropout(probabilities, attentionDropout),
  });
  const attended = tf.add(x, scope.linear(mixed, names.attentionOutput));
  const inner = normalise(scope, config, attended, names.normAfter);
  const [gate, up] = [scope.linear(inner, names.gate), scope.linear(inner, names.up)];
  const gated = activation === 'silu' ? swiglu(gate, up) : tf.mul(ACTIVATIONS[activation](gate), up);
  return tf.add(attended, scope.linear(gated, names.down));
}
