import {
  checkpoint,
  layerNorm,
  type Model,
  type Scope,
  type Tensor,
  type TensorMap,
  tf,
  type WeightSource,
} from '@psoft/engine';
import { ACTIVATIONS } from '../activations.ts';
import { ModelConfigError } from '../configReader.ts';
import { wordOutputs } from '../decoder/head.ts';
import { DecoderPass } from '../decoder/pass.ts';
import { type OptConfig, parseOptConfig } from './config.ts';
import {
  FINAL_NORM,
  layerNames,
  optParameters,
  POSITION_OFFSET,
  POSITIONS,
  PROJECT_IN,
  PROJECT_OUT,
  prefixed,
  WORDS,
  wordHeadName,
} from './parameters.ts';

/** Fixed in transformers, not part of config.json. */
const NORM_EPSILON = 1e-5;

/**
 * OPT (Zhang et al. 2022). Inputs and outputs: see `decoder/pass.ts` and {@link wordOutputs}; beside them the keys and
 * values of every layer.
 * @param raw the parsed config.json
 * @param weights by checkpoint name, with or without "model." before "decoder."; the model names them with it
 * @throws ModelConfigError for an unsupported setting, ModelWeightsError for missing or misshapen weights
 */
export function optForCausalLM(
  raw: Record<string, unknown>,
  weights: ReadonlyMap<string, WeightSource>,
): Model {
  const config = parseOptConfig(raw);
  const list = optParameters(config);
  return {
    architecture: 'OPTForCausalLM',
    config: raw,
    weights: list.select(prefixed(list, weights)),
    linears: list.linears,
    headModules: list.headModules,
    forward: (scope, inputs) => forward(scope, config, inputs),
  };
}

function forward(scope: Scope, config: OptConfig, inputs: TensorMap): TensorMap {
  const pass = new DecoderPass(inputs);
  let x = embed(scope, config, inputs, pass);
  for (let i = 0; i < config.layers; i++) x = layer(scope, config, checkpoint(x), i, pass);
  x = checkpoint(x);
  if (config.hasFinalNorm) x = normalise(scope, config, x, FINAL_NORM);
  if (config.embeddingSize !== config.hiddenSize) x = scope.linear(x, PROJECT_OUT);
  const words = `${wordHeadName(config)}.weight`;
  const outputs = wordOutputs(x, inputs, { weight: scope.weight(words), isTrained: scope.isTrained(words) });
  return { ...outputs, ...pass.cache };
}

/** [batch·length, hidden]: words and places. */
function embed(scope: Scope, config: OptConfig, inputs: TensorMap, pass: DecoderPass): Tensor {
  const rows = pass.batch * pass.length;
  // A place beyond the table would read another row, without a word.
  if (pass.places > config.maxPositions)
    throw new ModelConfigError(
      `texts of ${pass.places} tokens with padding, the model has ${config.maxPositions} positions ` +
        '(max_position_embeddings): shorten prompts, new tokens or the maximal length',
    );
  const lookUp = (table: string, ids: Tensor) =>
    tf.gather(scope.weight(`${table}.weight`), tf.reshape(ids, [rows]) as never) as Tensor;
  const words = lookUp(WORDS, inputs.inputIds!);
  const projected = config.embeddingSize === config.hiddenSize ? words : scope.linear(words, PROJECT_IN);
  const places = tf.add(pass.positions(), tf.scalar(POSITION_OFFSET, 'int32'));
  return tf.add(projected, lookUp(POSITIONS, places));
}

function normalise(scope: Scope, config: OptConfig, x: Tensor, name: string): Tensor {
  const { hasNormWeights, hiddenSize } = config;
  const gamma = hasNormWeights ? scope.weight(`${name}.weight`) : tf.ones([hiddenSize]);
  const beta = hasNormWeights ? scope.weight(`${name}.bias`) : tf.zeros([hiddenSize]);
  return layerNorm(x, gamma as Tensor, beta as Tensor, NORM_EPSILON);
}

/** @param x [batch·length, hidden] */
function layer(scope: Scope, config: OptConfig, x: Tensor, index: number, pass: DecoderPass): Tensor {
  const names = layerNames(index);
  const attended = branch(scope, config, x, names.attentionNorm, (normal) =>
    attention(scope, config, normal, index, pass),
  );
  return branch(scope, config, attended, names.innerNorm, (normal) => {
    const inner = ACTIVATIONS[config.activation](scope.linear(normal, names.inner));
    return scope.linear(inner, names.outer);
  });
}

/** x + dropout(f(norm(x))), or norm(x + dropout(f(x))). */
function branch(scope: Scope, config: OptConfig, x: Tensor, norm: string, f: (x: Tensor) => Tensor): Tensor {
  const { normsFirst, dropout } = config;
  const added = scope.dropout(f(normsFirst ? normalise(scope, config, x, norm) : x), dropout);
  const sum = tf.add(x, added);
  return normsFirst ? sum : normalise(scope, config, sum, norm);
}

function attention(scope: Scope, config: OptConfig, x: Tensor, index: number, pass: DecoderPass): Tensor {
  const names = layerNames(index);
  const { heads, hiddenSize, attentionDropout } = config;
  const { batch, length } = pass;
  const size = hiddenSize / heads;
  const split = (y: Tensor) => tf.transpose(tf.reshape(y, [batch, length, heads, size]), [0, 2, 1, 3]);
  const mixed = pass.attend({
    layer: index,
    query: tf.mul(split(scope.linear(x, names.query)), 1 / Math.sqrt(size)),
    key: split(scope.linear(x, names.key)),
    value: split(scope.linear(x, names.value)),
    dropout: (probabilities) => scope.dropout(probabilities, attentionDropout),
  });
  return scope.linear(mixed, names.attentionOutput);
}
