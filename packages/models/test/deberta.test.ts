/** Parity with transformers: forward, loss, every gradient, and where dropout is. */
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
import { crossEntropy, meanSquaredError, modelFor } from '@psoft/models';
import { beforeAll, describe, expect, test } from 'vitest';
import { type FixtureCase, type FixtureRun, fixture, fixtureWeights } from './fixture.ts';
import { expectClose, scopeOf, summarise } from './parity.ts';

beforeAll(() => useBackend('eager-cpu'));

describe.each(fixture.cases.map((one) => [one.name, one] as const))('%s', (_, one) => {
  const weights = fixtureWeights(one);
  const model = modelFor(one.task, one.config, weights);

  test('has the parameters of transformers', () => {
    const shapes = Object.fromEntries([...model.weights].map(([name, { shape }]) => [name, [...shape]]));
    expect(shapes).toEqual(one.parameters);
  });

  test.each(one.runs.map((run) => [run.shape.join(' x '), run] as const))('agrees at %s', (_, run) => {
    tf.tidy(() => {
      const inputs = inputTensors(one, run);
      const names = Object.keys(one.parameters);
      const values = names.map((name) =>
        tf.tensor(weights.get(name)!.data, one.parameters[name]!, 'float32'),
      );
      const forward = (tensors: Tensor[]) => {
        const scope = scopeOf(model, Object.fromEntries(names.map((name, i) => [name, tensors[i]!])));
        return model.forward(scope, inputs).logits!;
      };
      expectClose(forward(values).dataSync(), run.logits, 'logits');
      const { value, grads } = tf.valueAndGrads((...tensors: Tensor[]) =>
        lossOf(one, forward(tensors), inputs).asScalar(),
      )(values);
      expectClose(value.dataSync(), [run.loss], 'loss');
      const largest = Math.max(...Object.values(run.gradients).map(([norm]) => norm));
      names.forEach((name, i) => {
        const actual = summarise(grads[i]!.dataSync(), i);
        expectClose(actual, run.gradients[name]!, name, 0.1 * largest);
      });
    });
  });

  test('compiles to a graph that agrees, with its gradients', async () => {
    const run = one.runs[0]!;
    const { specs, feeds } = feedsOf(one, run);
    const names = Object.keys(one.parameters);
    const program = await compile(
      (inputs, weight) => {
        const fixed = Object.fromEntries(names.map((name) => [name, weight(name)]));
        const { value, grads } = tf.valueAndGrads((...tensors: Tensor[]) => {
          const scope = scopeOf(model, Object.fromEntries(names.map((name, i) => [name, tensors[i]!])));
          return lossOf(one, model.forward(scope, inputs).logits!, inputs).asScalar();
        })(Object.values(fixed));
        return { loss: value, ...Object.fromEntries(names.map((name, i) => [`d ${name}`, grads[i]!])) };
      },
      { inputs: specs, weights },
    );
    const outputs = await program.run(feeds);
    await program.dispose();
    expectClose(outputs.loss!.data, [run.loss], 'loss');
    const largest = Math.max(...Object.values(run.gradients).map(([norm]) => norm));
    names.forEach((name, i) => {
      const actual = summarise(outputs[`d ${name}`]!.data, i);
      expectClose(actual, run.gradients[name]!, name, 0.1 * largest);
    });
  });

  test('drops out where transformers does', () => {
    const calls: [number, number][] = [];
    tf.tidy(() => {
      const run = one.runs[0]!;
      const tensors = Object.fromEntries(
        [...weights].map(([name, { data, shape }]) => [name, tf.tensor(data, [...shape])]),
      );
      const scope: Scope = {
        ...scopeOf(model, tensors),
        dropout: (x, rate) => {
          calls.push([rate, x.size]);
          return x;
        },
      };
      model.forward(scope, inputTensors(one, run));
    });
    // Only the needed rows of the relative embeddings are computed, none for a model without position terms, and for
    // classification only the first token of what follows the last attention.
    const last = `layer.${Number(one.config.num_hidden_layers) - 1}.`;
    const length = one.runs[0]!.shape[1]!;
    const sizes = one.dropout.map(([module, , size], i) => {
      if (module.endsWith('pos_dropout')) return calls[i]![1];
      const isFirstOnly =
        one.task !== 'masked-lm' && module.includes(last) && module.endsWith('output.dropout');
      return isFirstOnly ? size / length : size;
    });
    expect(calls).toEqual(one.dropout.map(([, rate], i) => [rate, sizes[i]]));
  });

  test('lists its linear layers as they are called', () => {
    const called: string[] = [];
    tf.tidy(() => {
      const tensors = Object.fromEntries(
        [...weights].map(([name, { data, shape }]) => [name, tf.tensor(data, [...shape])]),
      );
      const scope = scopeOf(model, tensors);
      const linear = (x: Tensor, name: string) => {
        const known = model.linears.find((module) => module.name === name)!;
        expect(x.shape.at(-1)).toBe(known.inFeatures);
        called.push(name);
        const y = scope.linear(x, name);
        expect(y.shape.at(-1)).toBe(known.outFeatures);
        return y;
      };
      model.forward({ ...scope, linear }, inputTensors(one, one.runs[0]!));
    });
    expect(new Set(called)).toEqual(new Set(model.linears.map(({ name }) => name)));
  });
});

function lossOf({ config }: FixtureCase, logits: Tensor, { labels }: TensorMap): Tensor {
  return config.num_labels === 1 ? meanSquaredError(logits, labels!) : crossEntropy(logits, labels!);
}

function feedsOf(
  one: FixtureCase,
  run: FixtureRun,
): { specs: Record<string, TensorSpec>; feeds: Record<string, TypedArray> } {
  const specs: Record<string, TensorSpec> = {};
  const feeds: Record<string, TypedArray> = {};
  const add = (name: string, values: number[], shape: number[], dtype: 'int32' | 'float32' = 'int32') => {
    specs[name] = { shape, dtype };
    feeds[name] = dtype === 'int32' ? Int32Array.from(values) : Float32Array.from(values);
  };
  for (const name of ['inputIds', 'attentionMask', 'tokenTypeIds'] as const)
    if (run[name]) add(name, run[name], run.shape);
  if (one.task === 'masked-lm') {
    const rows = run.labels.flatMap((label, row) => (label >= 0 ? [row] : []));
    add('labelRows', rows, [rows.length]);
    add(
      'labels',
      rows.map((row) => run.labels[row]!),
      [rows.length],
    );
  } else add('labels', run.labels, [run.shape[0]], one.config.num_labels === 1 ? 'float32' : 'int32');
  return { specs, feeds };
}

function inputTensors(one: FixtureCase, run: FixtureRun): TensorMap {
  const { specs, feeds } = feedsOf(one, run);
  return Object.fromEntries(
    Object.entries(specs).map(([name, { shape, dtype }]) => [
      name,
      tf.tensor(feeds[name]!, [...shape], dtype),
    ]),
  );
}
