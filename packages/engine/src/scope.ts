/** The plain {@link Scope}: every linear layer is its own weight and bias, with no adapter in between. */
import type { Bindings, Scope } from './model.ts';
import { type Tensor, tf } from './tf.ts';

/**
 * y = x Wᵀ + bias.
 * @param x [..., in]
 * @param weight [out, in]
 * @param bias [out]
 * @returns [..., out]
 */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const rows = x.rank === 2 ? x : tf.reshape(x, [-1, x.shape.at(-1)!]);
  const product = tf.matMul(rows as never, weight as never, false, true) as Tensor;
  const y = bias === undefined ? product : tf.add(product, bias);
  return x.rank === 2 ? y : tf.reshape(y, [...x.shape.slice(0, -1), weight.shape[0]!]);
}

/**
 * A scope over bindings: parameters first, then frozen weights.
 * @param hasBias whether the linear module of that name has one
 */
export function plainScope(bindings: Bindings, hasBias: (module: string) => boolean): Scope {
  const weight = (name: string): Tensor => bindings.parameters[name] ?? bindings.weights[name]!;
  return {
    weight,
    linear: (x, name) =>
      linear(x, weight(`${name}.weight`), hasBias(name) ? weight(`${name}.bias`) : undefined),
    isTrained: (name) => bindings.parameters[name] !== undefined,
    dropout: bindings.dropout ?? ((x) => x),
  };
}
