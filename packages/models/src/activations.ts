/** Activation functions by the names that config.json uses. */
import { gelu, type Tensor, tf } from '@psoft/engine';

const SQRT_2_OVER_PI = 0.7978845608028654;

/** The approximation of GELU by a hyperbolic tangent (Hendrycks and Gimpel 2016, section 2). */
function geluNew(x: Tensor): Tensor {
  const inner = tf.mul(tf.add(x, tf.mul(tf.mul(tf.square(x), x), 0.044715)), SQRT_2_OVER_PI);
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(inner), 1));
}

export const ACTIVATIONS = {
  gelu,
  gelu_new: geluNew,
  relu: (x: Tensor): Tensor => tf.relu(x),
  silu: (x: Tensor): Tensor => tf.mul(x, tf.sigmoid(x)),
  tanh: (x: Tensor): Tensor => tf.tanh(x),
} as const;

export type ActivationName = keyof typeof ACTIVATIONS;
