import type { Model, Scope, Tensor, TensorMap, WeightSource } from '@psoft/engine';
import { tf } from '@psoft/engine';
import { ACTIVATIONS } from '../activations.ts';
import type { Task } from '../tasks.ts';
import { type DebertaConfig, parseDebertaConfig } from './config.ts';
import { encode, normalise } from './encoder.ts';
import { debertaParameters, EMBEDDINGS, maskedHeadNames } from './parameters.ts';

/**
 * Forward inputs: `inputIds` int32 [batch, length], `attentionMask` [batch, length] (1 token, 0 padding), optionally
 * `tokenTypeIds`. Output: `logits` [batch, labels].
 * @param raw the parsed config.json
 * @throws ModelConfigError for an unsupported setting, ModelWeightsError for missing or misshapen weights
 */
export function debertaForSequenceClassification(
  raw: Record<string, unknown>,
  weights: ReadonlyMap<string, WeightSource>,
): Model {
  return build('sequence-classification', raw, weights);
}

/**
 * Forward inputs as for classification, and optionally `labelRows` int32 [n]: places in the flattened [batch·length]
 * tokens at which logits are wanted. Output: `logits` [n, vocabulary], or [batch·length, vocabulary] without.
 */
export function debertaForMaskedLM(
  raw: Record<string, unknown>,
  weights: ReadonlyMap<string, WeightSource>,
): Model {
  return build('masked-lm', raw, weights);
}

function build(task: Task, raw: Record<string, unknown>, weights: ReadonlyMap<string, WeightSource>): Model {
  const config = parseDebertaConfig(raw);
  const list = debertaParameters(config, task);
  const [head, wanted] =
    task === 'masked-lm' ? ([maskedWords, 'all tokens'] as const) : ([classify, 'first tokens'] as const);
  return {
    architecture: task === 'masked-lm' ? 'DebertaV2ForMaskedLM' : 'DebertaV2ForSequenceClassification',
    config: raw,
    weights: list.select(weights),
    linears: list.linears,
    headModules: list.headModules,
    forward: (scope, inputs) => ({
      logits: head(scope, config, encode(scope, config, inputs, wanted), inputs),
    }),
  };
}

/**
 * Context pooler (dense, activation) and classifier.
 * @param first [batch, hidden], the first tokens' last hidden states
 */
function classify(scope: Scope, config: DebertaConfig, first: Tensor): Tensor {
  const { dropout } = config;
  const dense = scope.linear(scope.dropout(first, dropout.pooler), 'pooler.dense');
  const pooled = scope.dropout(ACTIVATIONS[config.poolerActivation](dense), dropout.classifier);
  return scope.linear(pooled, 'classifier');
}

/** Dense, activation, layer norm, and a product with the word embeddings. */
function maskedWords(scope: Scope, config: DebertaConfig, hidden: Tensor, inputs: TensorMap): Tensor {
  const head = maskedHeadNames(config);
  const rows = inputs.labelRows ? tf.gather(hidden, inputs.labelRows as never) : hidden;
  const dense = ACTIVATIONS[config.activation](scope.linear(rows, `${head.transform}.dense`));
  const normal = normalise(scope, config, dense, `${head.transform}.LayerNorm`);
  const words = scope.weight(`${EMBEDDINGS}.word_embeddings.weight`);
  return tf.add(tf.matMul(normal, words, false, true), scope.weight(head.bias));
}
