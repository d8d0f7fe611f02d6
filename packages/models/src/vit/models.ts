import type { Model, Scope, Tensor, WeightSource } from '@psoft/engine';
import { tf } from '@psoft/engine';
import { parseVitConfig, type VitConfig } from './config.ts';
import { encode } from './encoder.ts';
import { prefixed, vitParameters } from './parameters.ts';

const ARCHITECTURES = { vit: 'ViTForImageClassification', dinov2: 'Dinov2ForImageClassification' } as const;

/**
 * ViT or DINOv2, as model_type says. Forward input: `pixelValues` float32 [batch, channels, height, width], normalised
 * as the image processor does. Output: `logits` [batch, labels].
 * @param raw the parsed config.json
 * @param weights by checkpoint name, with the prefix "vit." ("dinov2.") or, of the bare encoder, without; the model
 *   names them with it
 * @throws ModelConfigError for an unsupported setting, ModelWeightsError for missing or misshapen weights
 */
export function vitForImageClassification(
  raw: Record<string, unknown>,
  weights: ReadonlyMap<string, WeightSource>,
): Model {
  const config = parseVitConfig(raw);
  const list = vitParameters(config);
  const features = config.family === 'vit' ? classToken : classTokenAndMean;
  return {
    architecture: ARCHITECTURES[config.family],
    config: raw,
    weights: list.select(prefixed(config, list, weights)),
    linears: list.linears,
    headModules: list.headModules,
    forward: (scope, inputs) => ({
      logits: scope.linear(features(scope, config, inputs.pixelValues!), 'classifier'),
    }),
  };
}

/** [batch, hidden] of the class token. */
function classToken(scope: Scope, config: VitConfig, pixels: Tensor): Tensor {
  return encode(scope, config, pixels, 'class token');
}

/** [batch, 2 · hidden]: the class token and the mean of the patches. */
function classTokenAndMean(scope: Scope, config: VitConfig, pixels: Tensor): Tensor {
  const tokens = encode(scope, config, pixels, 'all tokens');
  const [batch, length, hidden] = tokens.shape as [number, number, number];
  const first = tf.reshape(tf.slice(tokens, [0, 0, 0], [batch, 1, hidden]), [batch, hidden]);
  const mean = tf.mean(tf.slice(tokens, [0, 1, 0], [batch, length - 1, hidden]), 1);
  return tf.concat([first, mean], 1);
}
