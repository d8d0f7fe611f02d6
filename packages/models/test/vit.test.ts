/** Parity with transformers: forward, loss, every gradient, and where dropout is. */
import { compile, type Scope, type Tensor, tf, useBackend, type WeightSource } from '@psoft/engine';
import { crossEntropy, modelFor } from '@psoft/models';
import { beforeEach, describe, expect, test } from 'vitest';
import { expectClose, scopeOf, summarise } from './parity.ts';
import { pixelsOf, type VitCase, type VitRun, vitCases, vitWeights } from './vitFixture.ts';

const TASK = 'image-classification';

// Running a program with tfjs's wasm backend leaves that one active.
beforeEach(() => useBackend('eager-cpu'));

describe.each(vitCases.map((one) => [one.name, one] as const))('%s', (_, one) => {
  const weights = vitWeights(one);
  const model = modelFor(TASK, one.config, weights);
  const names = Object.keys(one.parameters);
  const forward = (tensors: Tensor[], pixelValues: Tensor) => {
    const scope = scopeOf(model, Object.fromEntries(names.map((name, i) => [name, tensors[i]!])));
    return model.forward(scope, { pixelValues }).logits!;
  };

  test('has the parameters of transformers', () => {
    const shapes = Object.fromEntries([...model.weights].map(([name, { shape }]) => [name, [...shape]]));
    expect(shapes).toEqual(one.parameters);
    expect(model.architecture).toBe(
      one.config.model_type === 'vit' ? 'ViTForImageClassification' : 'Dinov2ForImageClassification',
    );
  });

  test.each(one.runs.map((run) => [run.shape.join(' x '), run] as const))('agrees at %s', (_, run) => {
    tf.tidy(() => {
      const values = valuesOf(one);
      const pixels = pixelTensor(run);
      const labels = tf.tensor1d(run.labels, 'int32');
      expectClose(forward(values, pixels).dataSync(), run.logits, 'logits');
      const { value, grads } = tf.valueAndGrads((...tensors: Tensor[]) =>
        crossEntropy(forward(tensors, pixels), labels).asScalar(),
      )(values);
      expectClose(value.dataSync(), [run.loss], 'loss');
      expectGradients(run, (_, i) => grads[i]!.dataSync());
    });
  });

  test.each(
    one.runs.flatMap((run) =>
      (['cpu', 'eager-wasm'] as const).map((executor) => [run.shape.join(' x '), executor, run] as const),
    ),
  )('agrees at %s as a program, with its gradients, on %s', async (_, executor, run) => {
    const program = await compile(
      (inputs, weight) => {
        const { value, grads } = tf.valueAndGrads((...tensors: Tensor[]) =>
          crossEntropy(forward(tensors, inputs.pixelValues!), inputs.labels!).asScalar(),
        )(names.map((name) => weight(name)));
        return { loss: value, ...Object.fromEntries(names.map((name, i) => [`d ${name}`, grads[i]!])) };
      },
      {
        inputs: {
          pixelValues: { shape: run.shape, dtype: 'float32' },
          labels: { shape: [run.labels.length], dtype: 'int32' },
        },
        weights,
      },
      { executor },
    );
    const outputs = await program.run({
      pixelValues: pixelsOf(run),
      labels: Int32Array.from(run.labels),
    });
    expect(program.executor).toBe(executor);
    await program.dispose();
    expectClose(outputs.loss!.data, [run.loss], 'loss');
    expectGradients(run, (name) => outputs[`d ${name}`]!.data as Float32Array);
  });

  test('drops out where transformers does', () => {
    const calls: [number, number][] = [];
    tf.tidy(() => {
      const tensors = Object.fromEntries(valuesOf(one).map((value, i) => [names[i]!, value]));
      const scope: Scope = {
        ...scopeOf(model, tensors),
        dropout: (x, rate) => {
          calls.push([rate, x.size]);
          return x;
        },
      };
      model.forward(scope, { pixelValues: pixelTensor(one.runs[0]!) });
    });
    // ViT's last layer computes the class token only: the last three of its dropouts see one row of each image.
    const tokens = one.parameters[`${one.config.model_type}.embeddings.position_embeddings`]![1]!;
    const isFirstOnly = (i: number) => one.config.model_type === 'vit' && i >= one.dropout.length - 3;
    expect(calls).toEqual(
      one.dropout.map(([rate, size], i) => [rate, isFirstOnly(i) ? size / tokens : size]),
    );
  });

  test('lists its linear layers in the order it calls them', () => {
    const called: string[] = [];
    tf.tidy(() => {
      const tensors = Object.fromEntries(valuesOf(one).map((value, i) => [names[i]!, value]));
      const scope = scopeOf(model, tensors);
      const linear = (x: Tensor, name: string) => {
        const known = model.linears.find((module) => module.name === name)!;
        called.push(name);
        expect(x.shape).toEqual([expect.any(Number), known.inFeatures]);
        expect(known.hasBias).toBe(weights.has(`${name}.bias`));
        const y = scope.linear(x, name);
        expect(y.shape.at(-1)).toBe(known.outFeatures);
        return y;
      };
      model.forward({ ...scope, linear }, { pixelValues: pixelTensor(one.runs[0]!) });
    });
    expect(called).toEqual(model.linears.map(({ name }) => name));
    expect(called).toHaveLength(6 * one.config.num_hidden_layers + 1);
  });

  test('reads the checkpoint of the bare encoder, beside a new head', () => {
    const prefix = `${one.config.model_type}.`;
    const bare = new Map<string, WeightSource>(
      [...weights].map(([name, weight]) => [
        name.startsWith(prefix) ? name.slice(prefix.length) : name,
        weight,
      ]),
    );
    expect([...bare.keys()].filter((name) => !name.startsWith('classifier.')).sort()).toEqual(one.bareNames);
    const same = modelFor(TASK, one.config, bare);
    expect([...same.weights]).toEqual([...model.weights]);
  });
});

/** Tensors in the order of the case's parameters. */
function valuesOf(one: VitCase): Tensor[] {
  return [...vitWeights(one).values()].map(({ data, shape }) => tf.tensor(data, [...shape], 'float32'));
}

function pixelTensor(run: VitRun): Tensor {
  return tf.tensor(pixelsOf(run), run.shape, 'float32');
}

function expectGradients(run: VitRun, gradient: (name: string, index: number) => ArrayLike<number>): void {
  const largest = Math.max(...Object.values(run.gradients).map(([norm]) => norm));
  Object.entries(run.gradients).forEach(([name, expected], i) => {
    expectClose(summarise(gradient(name, i), i), expected, name, 0.1 * largest);
  });
}
