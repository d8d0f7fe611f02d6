/** Makes the kernels of `kernels/composite.ts` callable as tfjs kernels on whatever backend is active. */

import { composites } from '../kernels/composite.ts';
import { compositeNames } from '../kernels/index.ts';
import { type Tensor, tf } from '../tf.ts';

type Name = keyof typeof composites;

/** Registers the eager forms on a tfjs backend, once. The tracing backend registers its own. */
function ensureRegistered(backendName: string): void {
  for (const kernelName of compositeNames) {
    if (tf.getKernel(kernelName, backendName) !== undefined) continue;
    tf.registerKernel({
      kernelName,
      backendName,
      kernelFunc: ({ inputs, attrs }) => {
        const outputs = tf.tidy(() =>
          composites[kernelName].eager(
            inputs as Record<string, Tensor>,
            (attrs ?? {}) as Record<string, unknown>,
          ),
        );
        return outputs.length === 1 ? outputs[0]! : outputs;
      },
    });
  }
}

/** Runs a composite kernel on the active backend. Not differentiable by itself: see the functions of this folder. */
export function runComposite(
  name: Name,
  inputs: Record<string, Tensor>,
  attrs: Record<string, unknown> = {},
): Tensor[] {
  ensureRegistered(tf.getBackend());
  const result = tf.engine().runKernel(name, inputs, attrs as never) as unknown as Tensor | Tensor[];
  return Array.isArray(result) ? result : [result];
}
