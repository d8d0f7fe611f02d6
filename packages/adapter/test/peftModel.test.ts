import { compile, type Tensor, tf, type WeightData } from '@psoft/engine';
import { beforeAll, describe, expect, test } from 'vitest';
import { getPeftModel, METHODS, type PeftModel, PsoftConfig } from '../src/index.ts';
import { bindingsOf, largestDifference, logitsOf, perturb, plainLogits, toyInput, toyModel } from './toy.ts';

beforeAll(() => tf.setBackend('cpu'));

const targetModules = ['query_proj', 'intermediate.dense', 'output.dense'];
const config = (options = {}) => new PsoftConfig({ r: 4, psoftAlpha: 8, targetModules, ...options });

describe('an adapted model', () => {
  test('computes what the base model computes, at first', async () => {
    const base = toyModel();
    const model = await getPeftModel(base, config());
    expect(logitsOf(model, toyInput())).toEqual(plainLogits(base, toyInput()));
  });

  test('differs once trained, and its merged model agrees with it', async () => {
    const base = toyModel();
    const model = await getPeftModel(base, config());
    perturb(model);
    const adapted = logitsOf(model, toyInput());
    expect(largestDifference(adapted, plainLogits(base, toyInput()))).toBeGreaterThan(0.05);
    expect(largestDifference(adapted, plainLogits(await model.mergeAndUnload(), toyInput()))).toBeLessThan(
      2e-6,
    );
  });

  test('merges in place and unmerges without a trace', async () => {
    const model = await getPeftModel(toyModel(), config());
    perturb(model);
    const before = logitsOf(model, toyInput());
    await model.merge();
    await model.merge();
    expect(model.isMerged).toBe(true);
    expect(largestDifference(logitsOf(model, toyInput()), before)).toBeLessThan(2e-6);
    model.unmerge();
    expect(logitsOf(model, toyInput())).toEqual(before);
  });

  test('computes the base model, head included, while disabled', async () => {
    const base = toyModel();
    const model = await getPeftModel(base, config());
    perturb(model);
    const before = logitsOf(model, toyInput());
    model.disableAdapter();
    expect(logitsOf(model, toyInput())).toEqual(plainLogits(base, toyInput()));
    await model.merge();
    expect(logitsOf(model, toyInput())).toEqual(plainLogits(base, toyInput()));
    model.unmerge();
    model.enableAdapter();
    expect(logitsOf(model, toyInput())).toEqual(before);
  });

  test('does the same compiled, with gradients for every parameter', async () => {
    const model = await getPeftModel(toyModel(), config());
    perturb(model);
    const x = toyInput();
    const inputs = Object.fromEntries(
      model.parameters.map(({ name, shape }) => [name, { shape, dtype: 'float32' as const }]),
    );
    const names = model.parameters.map(({ name }) => name);
    const program = await compile(
      ({ x, ...parameters }, weight) => {
        const weights = new Proxy({}, { get: (_, name) => weight(String(name)) });
        const loss = (...values: unknown[]) => {
          const bound = Object.fromEntries(names.map((name, i) => [name, values[i]]));
          const { logits } = model.forward({ weights, parameters: bound as never }, { x: x! });
          return tf.sum(tf.square(logits!));
        };
        const { value, grads } = tf.valueAndGrads(loss as never)(
          names.map((name) => parameters[name]!) as never,
        );
        return { value, ...Object.fromEntries(names.map((name, i) => [name, grads[i]!])) };
      },
      { inputs: { x: { shape: [5, 12], dtype: 'float32' }, ...inputs }, weights: model.weights },
    );
    const result = await program.run({
      x: x.dataSync() as Float32Array,
      ...Object.fromEntries(model.parameters.map(({ name, data }) => [name, data])),
    });
    const eager = logitsOf(model, x).reduce((sum, value) => sum + value * value, 0);
    expect(result.value!.data[0]).toBeCloseTo(eager, 4);
    for (const name of names)
      expect(Math.max(...Array.from(result[name]!.data as Float32Array, Math.abs)), name).toBeGreaterThan(
        1e-4,
      );
    await program.dispose();
  });
});

describe('counts', () => {
  test('81,144 for DeBERTaV3-base at rank 46: every linear of its 12 layers', () => {
    const module = (inFeatures: number, outFeatures: number) => ({
      name: '',
      inFeatures,
      outFeatures,
      hasBias: true,
    });
    const layer = [...Array(4).fill(module(768, 768)), module(768, 3072), module(3072, 768)];
    const targets = Array.from({ length: 12 }, () => layer).flat();
    const total = (options: object) => {
      const config = new PsoftConfig({ r: 46, psoftAlpha: 46, ...options });
      return targets.reduce((sum, target) => sum + METHODS.psoft.parameterCount(target, config), 0);
    };
    expect(targets).toHaveLength(72);
    expect(total({})).toBe(81_144);
    expect(total({ psoftMagA: false, psoftMagB: false })).toBe(72 * 1035);
    expect(total({ psoftOrth: false })).toBe(72 * (46 * 46 + 2 * 46));
  });

  test.each([{}, { psoftMagA: false }, { psoftOrth: false }, { r: 1, psoftAlpha: 1 }])(
    'what there is: %j',
    async (options) => {
      const model = await getPeftModel(toyModel(), config(options));
      const formula = model.layers.targets.reduce(
        (sum, target) => sum + METHODS.psoft.parameterCount(target, model.config as PsoftConfig),
        0,
      );
      expect(model.trainableParameterCount({ heads: false })).toBe(formula);
      expect(model.trainableParameterCount()).toBe(formula + 12 * 12 + 12 + 2 * 12 + 2);
    },
  );

  test("prints PEFT's line", async () => {
    const lines: string[] = [];
    const model = await getPeftModel(toyModel(), config());
    model.printTrainableParameters((line) => void lines.push(line));
    // 6 modules of 6 + 4 + 4, a head of 182; the base model has 1,494 with its own head.
    expect(lines).toEqual(['trainable params: 266 || all params: 1,760 || trainable%: 15.1136']);
  });
});

describe('refuses', () => {
  test('a rank that a layer cannot have, before any work', async () => {
    const progress: string[] = [];
    const wanted = getPeftModel(toyModel(), config({ r: 13 }), {
      onProgress: ({ module }) => progress.push(module),
    });
    await expect(wanted).rejects.toThrow(
      'psoft "toy.encoder.layer.0.query_proj": rank must be at most min(in, out) = 12, got 13; lower r or add it to excludeModules',
    );
    expect(progress).toEqual([]);
  });

  test('weights that are not finite, naming the module', async () => {
    const base = toyModel();
    (base.weights.get('toy.encoder.layer.1.output.dense.weight') as WeightData).data[21] =
      Number.POSITIVE_INFINITY;
    await expect(getPeftModel(base, config())).rejects.toThrow(
      'psoft "toy.encoder.layer.1.output.dense": the weight holds Infinity at [1, 1]',
    );
  });

  test('to merge what is not finite, and merges nothing', async () => {
    const model = await getPeftModel(toyModel(), config());
    model.parameters.find(({ name }) => name === 'psoft_R.vector_a')!.data[0] = Number.NaN;
    await expect(model.merge()).rejects.toThrow(
      'merging "toy.encoder.layer.0.query_proj": the merged weight holds NaN',
    );
    expect(model.isMerged).toBe(false);
    await model.merge({ safeMerge: false });
    expect(model.isMerged).toBe(true);
  });

  test('the update of a module without adapter', async () => {
    const model = await getPeftModel(toyModel(), config());
    await expect(model.deltaWeight('classifier')).rejects.toThrow('"classifier" has no adapter');
  });
});

describe('training', () => {
  test.each([
    {},
    { useCayleyNeumann: true, cayleyNeumannEps: 0.9 },
    { psoftOrth: false },
    { modulesToSave: ['query_proj'], targetModules: ['dense'] },
  ])('moves every parameter and nothing else: %j', async (options) => {
    const model = await getPeftModel(toyModel(), config(options));
    const x = toyInput();
    const before = model.parameters.map(({ data }) => data.slice());
    for (let step = 0; step < 3; step++) descend(model, x, 0.05);
    model.parameters.forEach(({ name, data }, i) => {
      expect(largestDifference(data, before[i]!), name).toBeGreaterThan(1e-4);
    });
    expect(logitsOf(await getPeftModel(toyModel(), config(options)), x)).not.toEqual(logitsOf(model, x));
  });

  test('lowers a loss', async () => {
    const model = await getPeftModel(toyModel(), config());
    const x = toyInput();
    const first = descend(model, x, 0.02);
    let last = first;
    for (let step = 0; step < 20; step++) last = descend(model, x, 0.02);
    expect(last).toBeLessThan(0.5 * first);
  });

  test('leaks no tensors', async () => {
    const model = await getPeftModel(toyModel(), config());
    const x = toyInput();
    descend(model, x, 0.01);
    const { numTensors } = tf.memory();
    for (let step = 0; step < 3; step++) descend(model, x, 0.01);
    expect(tf.memory().numTensors).toBe(numTensors);
  });

  test('drops out inputs of A only when there is dropout to do', async () => {
    const rates: number[] = [];
    for (const psoftDropout of [0, 0.25]) {
      const model = await getPeftModel(toyModel(), config({ psoftDropout }));
      const dropout = (x: Tensor, rate: number): Tensor => {
        rates.push(rate);
        return tf.mul(x, 1 - rate);
      };
      model.forward({ ...bindingsOf(model), dropout }, { x: toyInput() });
    }
    expect(rates.filter((rate) => rate === 0.1)).toHaveLength(4);
    expect(rates.filter((rate) => rate === 0.25)).toHaveLength(6);
    expect(rates).toHaveLength(10);
  });

  test('random initial values follow the seed', async () => {
    const start = async (seed: number) =>
      (await getPeftModel(toyModel(), config({ initWeights: false }), { seed })).parameters[0]!.data;
    expect(await start(1)).toEqual(await start(1));
    expect(await start(1)).not.toEqual(await start(2));
    expect(Math.max(...(await start(1)))).toBeGreaterThan(0.05);
  });
});

/** One step of gradient descent on the squared logits; returns the loss before it. */
function descend(model: PeftModel, x: Tensor, rate: number): number {
  return tf.tidy(() => {
    const { weights, parameters } = bindingsOf(model);
    const names = Object.keys(parameters);
    const loss = (...values: Tensor[]) => {
      const bound = Object.fromEntries(names.map((name, i) => [name, values[i]!]));
      return tf.mean(tf.square(model.forward({ weights, parameters: bound }, { x }).logits!));
    };
    const { value, grads } = tf.valueAndGrads(loss as never)(Object.values(parameters));
    model.parameters.forEach(({ data }, i) => {
      grads[i]!.dataSync().forEach((gradient, j) => {
        data[j]! -= rate * gradient;
      });
    });
    return value.dataSync()[0]!;
  });
}
