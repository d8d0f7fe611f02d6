/** Parity of causal language models with transformers: forward, loss, every gradient, and where dropout is. */
import {
  compile,
  type Scope,
  type Tensor,
  type TensorMap,
  type TensorSpec,
  type TypedArray,
  tf,
  useBackend,
} from '@psoft/engine';
import { modelFor } from '@psoft/models';
import { beforeAll, describe, expect, test } from 'vitest';
import { type CausalRun, cases, causalWeights } from './causalFixture.ts';
import { expectClose, scopeOf, summarise } from './parity.ts';

beforeAll(() => useBackend('eager-cpu'));

describe.each(cases.map((one) => [one.name, one] as const))('%s', (_, one) => {
  const weights = causalWeights(one);
  const model = modelFor('causal-lm', one.config, weights);
  const names = Object.keys(one.parameters);
  const trainedScope = (tensors: Tensor[]): Scope => ({
    ...scopeOf(model, byName(names, tensors)),
    isTrained: () => true,
  });

  test('has the parameters of transformers', () => {
    const shapes = Object.fromEntries([...model.weights].map(([name, { shape }]) => [name, [...shape]]));
    expect(shapes).toEqual(one.parameters);
  });

  test.each(one.runs.map((run) => [run.padding, run] as const))('agrees with padding: %s', (_, run) => {
    tf.tidy(() => {
      const { labels, lossScale, ...inputs } = tensorsOf(run);
      const values = names.map((name) =>
        tf.tensor(weights.get(name)!.data, one.parameters[name]!, 'float32'),
      );
      const forward = (tensors: Tensor[], more: TensorMap = {}) =>
        model.forward(trainedScope(tensors), { ...inputs, ...more });
      const logits = forward(values).logits!;
      expectClose(ofTokens(logits.dataSync(), run), run.logits, 'logits');
      const { value, grads } = tf.valueAndGrads((...tensors: Tensor[]) =>
        forward(tensors, { labels: labels!, lossScale: lossScale! }).loss!.asScalar(),
      )(values);
      expectClose(value.dataSync(), [run.loss], 'loss');
      expectGradients(
        run,
        names,
        grads.map((grad) => grad.dataSync()),
      );
      const sum = forward(values, { labels: labels!, lossScale: tf.scalar(1) }).loss!;
      expectClose(sum.dataSync(), [run.lossSum], 'sum of losses');
    });
  });

  test('compiles to a graph that agrees, with its gradients', async () => {
    const run = one.runs[1]!;
    const { specs, feeds } = feedsOf(run);
    const program = await compile(
      (inputs, weight) => {
        const fixed = names.map((name) => weight(name));
        const { labels: _, lossScale: __, ...context } = inputs;
        const { value, grads } = tf.valueAndGrads((...tensors: Tensor[]) =>
          model.forward(trainedScope(tensors), inputs).loss!.asScalar(),
        )(fixed);
        return {
          logits: model.forward(trainedScope(fixed), context).logits!,
          loss: value,
          ...Object.fromEntries(names.map((name, i) => [`d ${name}`, grads[i]!])),
        };
      },
      { inputs: specs, weights },
    );
    const outputs = await program.run(feeds);
    await program.dispose();
    expectClose(ofTokens(outputs.logits!.data as Float32Array, run), run.logits, 'logits');
    expectClose(outputs.loss!.data, [run.loss], 'loss');
    expectGradients(
      run,
      names,
      names.map((name) => outputs[`d ${name}`]!.data as Float32Array),
    );
  });

  test('with a frozen word head the hidden states have the same gradient', () => {
    const run = one.runs[0]!;
    const chosen = names.filter((name) => name.includes('layers.0.') && name.endsWith('weight'));
    tf.tidy(() => {
      const all = byName(
        names,
        names.map((name) => tf.tensor(weights.get(name)!.data, one.parameters[name]!)),
      );
      const { grads } = tf.valueAndGrads((...tensors: Tensor[]) => {
        const scope = scopeOf(model, { ...all, ...byName(chosen, tensors) });
        return model.forward(scope, tensorsOf(run)).loss!.asScalar();
      })(chosen.map((name) => all[name]!));
      expectGradients(
        run,
        chosen,
        grads.map((grad) => grad.dataSync()),
        (name) => names.indexOf(name),
      );
    });
  });

  test('drops out where transformers does, and lists its linear layers as they are called', () => {
    const dropouts: [number, number][] = [];
    const called: string[] = [];
    tf.tidy(() => {
      const plain = scopeOf(
        model,
        byName(
          names,
          names.map((name) => tf.tensor(weights.get(name)!.data, one.parameters[name]!)),
        ),
      );
      const scope: Scope = {
        ...plain,
        dropout: (x, rate) => {
          dropouts.push([rate, x.size]);
          return x;
        },
        linear: (x, name) => {
          called.push(name);
          const y = plain.linear(x, name);
          const { inFeatures, outFeatures } = model.linears.find((module) => module.name === name)!;
          expect([x.shape.at(-1), y.shape.at(-1)]).toEqual([inFeatures, outFeatures]);
          return y;
        },
      };
      model.forward(scope, { inputIds: tensorsOf(one.runs[2]!).inputIds! });
    });
    expect(dropouts).toEqual(one.dropout);
    expect(called).toEqual(model.linears.map(({ name }) => name));
  });
});

const byName = (names: readonly string[], tensors: readonly Tensor[]): TensorMap =>
  Object.fromEntries(names.map((name, i) => [name, tensors[i]!]));

/** Rows of logits [batch · length, vocabulary] that belong to tokens. */
function ofTokens(logits: ArrayLike<number>, { attentionMask }: CausalRun): number[] {
  const words = logits.length / attentionMask.length;
  return attentionMask.flatMap((counts, row) =>
    counts === 1 ? Array.from({ length: words }, (_, i) => logits[row * words + i]!) : [],
  );
}

function expectGradients(
  run: CausalRun,
  names: readonly string[],
  gradients: ArrayLike<number>[],
  place: (name: string) => number = (name) => names.indexOf(name),
): void {
  const largest = Math.max(...Object.values(run.gradients).map(([norm]) => norm));
  names.forEach((name, i) => {
    const actual = summarise(gradients[i]!, place(name));
    expectClose(actual, run.gradients[name]!, name, 0.1 * largest);
  });
}

function feedsOf(run: CausalRun): {
  specs: Record<string, TensorSpec>;
  feeds: Record<string, TypedArray>;
} {
  const { shape } = run;
  return {
    specs: {
      inputIds: { shape, dtype: 'int32' },
      attentionMask: { shape, dtype: 'float32' },
      labels: { shape, dtype: 'int32' },
      lossScale: { shape: [], dtype: 'float32' },
    },
    feeds: {
      inputIds: Int32Array.from(run.inputIds),
      attentionMask: Float32Array.from(run.attentionMask),
      labels: Int32Array.from(run.labels),
      lossScale: Float32Array.of(1 / run.labelCount),
    },
  };
}

function tensorsOf(run: CausalRun): TensorMap {
  const { specs, feeds } = feedsOf(run);
  return Object.fromEntries(
    Object.entries(specs).map(([name, { shape, dtype }]) => [
      name,
      tf.tensor(feeds[name]!, [...shape], dtype),
    ]),
  );
}
