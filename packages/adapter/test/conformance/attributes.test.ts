/** Group 1: what a method says of itself, its settings, and which modules they mean. */
import { describe, expect, test } from 'vitest';
import { configFromPeft, getPeftModel, METHODS, type MethodName, methodNamed } from '../../src/index.ts';
import { adapted, baseOf, configOf, PLAIN_ROWS, ROWS, titled } from './rows.ts';

test('every method has rows, on both models', () => {
  for (const model of ['toy', 'deberta'])
    expect(new Set(ROWS.filter((row) => row.model === model).map(({ method }) => method))).toEqual(
      new Set(Object.keys(METHODS)),
    );
});

test('no two rows have one title', () => {
  expect(new Set(ROWS.map(({ title }) => title)).size).toBe(ROWS.length);
});

describe.each(titled(ROWS))('%s', (_, row) => {
  test('settings survive the file, all of them', () => {
    const config = configOf(row);
    expect(config.method).toBe(row.method);
    const file = JSON.parse(JSON.stringify(config.toPeft()));
    expect(file.peft_type).toBe(methodNamed(row.method).peftType);
    expect(Object.keys(file).filter((key) => key !== key.toLowerCase())).toEqual([]);
    const again = configFromPeft(file);
    expect(again).toEqual(config);
    expect(again.method).toBe(config.method);
    expect(configFromPeft(JSON.parse(JSON.stringify(again.toPeft())))).toEqual(config);
    expect(config).toMatchObject(row.options);
  });

  test('counts what it trains, by its formula and in its line', async () => {
    const model = await adapted(row, 'initial');
    const formula = model.layers.targets.reduce(
      (sum, target) => sum + model.method.parameterCount(target, model.config),
      0,
    );
    const state = [...model.layers.state().values()].reduce((sum, { data }) => sum + data.length, 0);
    const sizes = [...model.base.weights.values()].map(({ shape }) =>
      shape.reduce((all, one) => all * one, 1),
    );
    const head = model.heads.reduce((sum, { data }) => sum + data.length, 0);
    expect(head).toBeGreaterThan(0);
    expect(model.trainableParameterCount({ heads: false })).toBe(formula);
    expect(state).toBe(formula);
    const [trained, all] = [formula + head, formula + head + sizes.reduce((sum, size) => sum + size, 0)];
    const lines: string[] = [];
    const line = model.printTrainableParameters((one) => void lines.push(one));
    expect(lines).toEqual([line]);
    expect(line).toBe(
      `trainable params: ${trained.toLocaleString('en-US')} || all params: ${all.toLocaleString('en-US')} || trainable%: ${((100 * trained) / all).toFixed(4)}`,
    );
  });

  test('parameters are float32, finite and of the sizes they state', async () => {
    const model = await adapted(row, 'initial');
    const names = model.parameters.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { name, shape, data, group } of model.parameters) {
      expect(data, name).toBeInstanceOf(Float32Array);
      expect(data.length, name).toBe(shape.reduce((all, one) => all * one, 1));
      expect(data.every(Number.isFinite), name).toBe(true);
      expect(group, name).toBe(model.heads.some((head) => head.name === name) ? 'head' : 'adapter');
    }
  });
});

describe.each(titled(PLAIN_ROWS))('%s', (_, row) => {
  const { method, options } = row;
  const build = (more: object, model: 'toy' | 'deberta' = 'toy') =>
    getPeftModel(baseOf({ model }), methodNamed(method).configure({ ...options, ...more }));

  test('is described, by a name that finds it', () => {
    const { about, peftType, fields, needsBasis } = METHODS[method] as ReturnType<typeof methodNamed>;
    for (const text of [about.title, about.equation, about.parameters, about.source])
      expect(text.length).toBeGreaterThan(1);
    for (const setting of [about.rank, about.alpha]) if (setting) expect(fields).toHaveProperty(setting);
    expect(peftType).toMatch(/^[A-Z_]+$/);
    expect(typeof (needsBasis?.(configOf(row)) ?? false)).toBe('boolean');
    expect(methodNamed(method)).toBe(METHODS[method as MethodName]);
    expect(() => methodNamed(`${method}y`)).toThrow(`unknown adapter method "${method}y"`);
  });

  test('default settings are its table, and stay as they are', () => {
    const { fields, configure } = methodNamed(method);
    const config = configure({}) as unknown as Record<string, unknown>;
    expect(Object.keys(config).sort()).toEqual(Object.keys(fields).sort());
    expect(Object.isFrozen(config)).toBe(true);
    expect(configFromPeft(configure({}).toPeft())).toEqual(config);
  });

  test.each([
    ['an unknown one', { nonsense: 1 }, 'unknown setting "nonsense"'],
    ['a misspelt one', { targetModule: ['dense'] }, 'did you mean targetModules'],
    ['no module', { targetModules: [] }, 'targetModules must be'],
    ['modules of a wrong type', { targetModules: 3 }, 'targetModules must be'],
    [
      'layers beside an expression',
      { targetModules: '.*dense', layersToTransform: [0] },
      'layersToTransform',
    ],
  ])('settings are refused: %s', (_, wrong, message) => {
    expect(() => methodNamed(method).configure({ ...options, ...wrong })).toThrow(message);
  });

  test('null in a file means left out, and what is unknown there is refused', () => {
    const file = configOf(row).toPeft();
    expect(configFromPeft({ ...file, revision: null, task_type: null })).toEqual(configOf(row));
    expect(() => configFromPeft({ ...file, some_thing: 3 })).toThrow('unknown setting "someThing"');
  });

  test('takes the default modules of an architecture', async () => {
    const { targetModules: _, ...others } = options;
    const model = await getPeftModel(baseOf({ model: 'deberta' }), methodNamed(method).configure(others));
    expect(model.targetModules.map((name) => name.split('.').at(-1))).toEqual(['query_proj', 'value_proj']);
  });

  test('takes names, endings, expressions, exclusions and single layers, the first one too', async () => {
    const names = async (more: object) => (await build(more)).targetModules;
    expect(await names({ targetModules: 'all-linear' })).toHaveLength(6);
    expect(await names({ targetModules: ['output.dense'], layersToTransform: 0 })).toEqual([
      'toy.encoder.layer.0.output.dense',
    ]);
    expect(await names({ targetModules: '.*1.*dense', excludeModules: ['output.dense'] })).toEqual([
      'toy.encoder.layer.1.intermediate.dense',
    ]);
    await expect(names({ targetModules: ['quer'] })).rejects.toThrow('no linear module is named "quer"');
    await expect(names({ excludeModules: ['quer'] })).rejects.toThrow('no linear module is named "quer"');
    await expect(names({ targetModules: ['dense'], excludeModules: ['dense'] })).rejects.toThrow(
      'no module to adapt',
    );
  });

  test('trains further modules whole and leaves them without adapter', async () => {
    const model = await build({ targetModules: 'all-linear', modulesToSave: ['query_proj'] });
    expect(model.targetModules.filter((name) => name.includes('query_proj'))).toEqual([]);
    const heads = model.heads.map(({ name }) => name);
    expect(heads.filter((name) => name.includes('query_proj'))).toHaveLength(2);
    expect(heads).toContain('classifier.bias');
    await expect(build({ modulesToSave: ['quer'] })).rejects.toThrow('no module "quer"');
  });
});
