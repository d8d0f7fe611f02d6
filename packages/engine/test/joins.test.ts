/** Passes that look across a whole step: what they leave, and that the numbers stay what tfjs has. */
import {
  type CompileOptions,
  checkGraph,
  compile,
  createDropout,
  DROPOUT_STEP,
  dropoutStep,
  type Graph,
  type ProgramFunction,
  printGraph,
  RandomStream,
  type Tensor,
  tf,
  traceOptimised,
  type WeightData,
} from '@psoft/engine';
import { describe, expect, test } from 'vitest';
import { ANY_TARGET, TARGETS } from '../src/onnx/target.ts';
import { roundedIds } from '../src/passes/joinedWeights.ts';
import { joins } from '../src/passes/joins.ts';
import { expectParity } from './kernelParity.ts';
import { runLowered } from './lowered.ts';

const [TOKENS, WIDTH, RANK, HEADS] = [12, 16, 4, 2];
const rng = RandomStream.from(11, 'joins');
const random = (...shape: number[]): WeightData => ({
  kind: 'data',
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 0.3 * rng.normal()),
});
const NAMES = ['query', 'key', 'value'];
const weights = new Map<string, WeightData>(
  NAMES.flatMap((name): [string, WeightData][] => [
    [name, random(WIDTH, WIDTH)],
    [`${name}.bias`, random(WIDTH)],
    [`${name}.a`, random(RANK, WIDTH)],
    [`${name}.b`, random(WIDTH, RANK)],
  ]),
);
const times = (x: Tensor, w: Tensor) => tf.matMul(x as never, w as never, false, true) as Tensor;

/** Attention whose projections have adapters, and the gradients of its input and of the adapters' cores. */
const attention: ProgramFunction = ({ x: input, cores: given, step }, weight) => {
  const { value, grads } = tf.valueAndGrads((x: Tensor, cores: Tensor) => {
    const dropout = createDropout(step!);
    const all = tf.unstack(cores);
    const heads = NAMES.map((name, i) => {
      const change = times(times(times(x, weight(`${name}.a`)), all[i]!), weight(`${name}.b`));
      const y = tf.add(tf.add(times(x, weight(name)), weight(`${name}.bias`)), change);
      return tf.transpose(tf.reshape(y, [TOKENS, HEADS, WIDTH / HEADS]), [1, 0, 2]);
    });
    const [query, key, mixed] = heads as [Tensor, Tensor, Tensor];
    const scores = times(tf.mul(query, 0.3), key);
    const out = tf.matMul(dropout(tf.softmax(scores), 0.2) as never, mixed as never) as Tensor;
    return tf.sum(tf.square(dropout(out, 0.2))) as never;
  })([input!, given!]);
  return { loss: value, dx: grads[0]!, dcores: grads[1]! };
};
const signature = {
  inputs: {
    x: { shape: [TOKENS, WIDTH], dtype: 'float32' },
    cores: { shape: [NAMES.length, RANK, RANK], dtype: 'float32' },
    step: DROPOUT_STEP,
  },
  weights,
  parameters: ['cores'],
} as const;
const feeds = {
  x: random(TOKENS, WIDTH).data as Float32Array,
  cores: random(NAMES.length, RANK, RANK).data as Float32Array,
  step: dropoutStep(1, 5),
};
const count = ({ nodes }: Graph, op: string) => nodes.filter((node) => node.op === op).length;
const ALL = [
  'softmax gradient',
  'scales',
  'dropout rows',
  'sums of products',
  'products of one input',
] as const;

describe('passes over a whole step', () => {
  const plain = traceOptimised(attention, signature, { without: ALL });

  test.each([
    ...ALL.map((name) => [name, ALL.filter((other) => other !== name)] as const),
    ['all', []] as const,
  ])('%s: the same numbers as tfjs', async (_, without) => {
    const run = async (options: CompileOptions) => {
      const program = await compile(attention, signature, options);
      if (program.graph) checkGraph(program.graph);
      const result = await program.run(feeds);
      await program.dispose();
      return result;
    };
    expectParity(await run({ without }), await run({ executor: 'eager-cpu' }), `without ${without}`);
  });

  test('the gradient of a softmax is summed over the short side', () => {
    const graph = traceOptimised(attention, signature, { without: ALL.slice(1) });
    const sums = graph.nodes.filter(({ op, attrs }) => op === 'Sum' && attrs.keepDims === true);
    expect(sums.map(({ inputs }) => inputs[0]!.shape.at(-1))).toEqual([WIDTH / HEADS]);
  });

  test('a factor goes into the products, on the way back too', () => {
    const graph = traceOptimised(attention, signature, { without: ALL.filter((name) => name !== 'scales') });
    const scaled = graph.nodes.filter(({ attrs }) => attrs.alpha !== undefined);
    expect(scaled.map(({ op, attrs }) => [op, Math.fround(attrs.alpha as number)])).toEqual(
      Array(3).fill(['BatchMatMul', Math.fround(0.3)]),
    );
    expect(count(plain, 'Multiply') - count(graph, 'Multiply')).toBe(2);
  });

  test('a product with what is made of a weight takes no factor: it may be stored in fewer bits', () => {
    const fn: ProgramFunction = ({ x }, weight) => ({ y: tf.mul(times(x!, tf.relu(weight('query'))), 0.3) });
    const graph = traceOptimised(fn, { inputs: { x: signature.inputs.x }, weights });
    expect(count(graph, 'Multiply')).toBe(1);
    expect(graph.nodes.every(({ attrs }) => attrs.alpha === undefined)).toBe(true);
  });

  test('the rows of all masks are found at once', () => {
    expect(count(plain, 'DropoutRows')).toBe(2);
    expect(count(traceOptimised(attention, signature), 'DropoutRows')).toBe(1);
  });

  test('a base layer and its adapter are one product, and so are the gradients of one input', () => {
    const graph = traceOptimised(attention, signature, { without: ALL.slice(0, 3) });
    // Of nine products with frozen weights forward one for all A and one a projection stay; of the input's six, one.
    const products = (one: Graph) => count(one, 'BatchMatMul') + count(one, 'Gemm');
    expect(products(plain) - products(graph)).toBe(9 - 4 + (6 - 1));
    // Biases are rows of the joined weights, and were part of the base layers' products.
    expect([count(plain, 'Gemm'), count(graph, 'Gemm')]).toEqual([3, 0]);
    expect(count(plain, 'Add') - count(graph, 'Add')).toBe(3 + 5);
  });

  test('weights that are joined in several places are joined once', () => {
    const joined = traceOptimised(attention, signature).nodes.filter(
      ({ op, inputs }) => op === 'Concat' && inputs.every(({ shape }) => shape.length === 2),
    );
    const keys = joined.map(({ inputs, attrs }) => `${attrs.axis} ${inputs.map(({ id }) => id)}`);
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe('joined products', () => {
  const trace = (fn: ProgramFunction, x: number[], own: Map<string, WeightData>) =>
    printGraph(traceOptimised(fn, { inputs: { x: { shape: x, dtype: 'float32' } }, weights: own }));

  test('x W + bias + (x A) B', () => {
    const own = new Map([
      ['w', random(6, 4)],
      ['bias', random(6)],
      ['a', random(1, 4)],
      ['b', random(6, 1)],
    ]);
    const fn: ProgramFunction = ({ x }, weight) => {
      const base = tf.add(times(x!, weight('w')), weight('bias'));
      return { y: tf.add(base, times(tf.relu(times(x!, weight('a'))), weight('b'))) };
    };
    expect(trace(fn, [5, 4], own)).toMatchInlineSnapshot(`
      "input x = %0: f32[5,4]
      weight w = %1: f32[6,4]
      weight bias = %2: f32[6]
      weight a = %3: f32[1,4]
      weight b = %4: f32[6,1]
      %5: f32[6,1] = Reshape(%2, shape=[6,1])
      %6: f32[5,1] = Fill(shape=[5,1], value=1, dtype="float32")
      %7: f32[6,6] = Concat(%1, %4, %5, axis=1)
      %8: f32[5,1] = BatchMatMul(%0, %3, transposeA=false, transposeB=true)
      %9: f32[5,1] = Relu(%8)
      %10: f32[5,6] = Concat(%0, %9, %6, axis=1)
      %11: f32[5,6] = BatchMatMul(%10, %7, transposeA=false, transposeB=true)
      output y = %11"
    `);
  });

  test('where copying x costs more than adding, a bias joins the adapter’s product', () => {
    const own = new Map([
      ['w', random(16, 32)],
      ['bias', random(16)],
      ['a', random(2, 32)],
      ['b', random(16, 2)],
    ]);
    const fn: ProgramFunction = ({ x }, weight) => {
      const change = times(tf.relu(times(x!, weight('a'))), weight('b'));
      return { y: tf.add(tf.add(times(x!, weight('w')), change), weight('bias')) };
    };
    expect(trace(fn, [5, 32], own)).toMatchInlineSnapshot(`
      "input x = %0: f32[5,32]
      weight a = %1: f32[2,32]
      weight b = %2: f32[16,2]
      weight w = %3: f32[16,32]
      weight bias = %4: f32[16]
      %5: f32[16,1] = Reshape(%4, shape=[16,1])
      %6: f32[5,1] = Fill(shape=[5,1], value=1, dtype="float32")
      %7: f32[16,3] = Concat(%2, %5, axis=1)
      %8: f32[5,2] = BatchMatMul(%0, %1, transposeA=false, transposeB=true)
      %9: f32[5,2] = Relu(%8)
      %10: f32[5,16] = BatchMatMul(%0, %3, transposeA=false, transposeB=true)
      %11: f32[5,3] = Concat(%9, %6, axis=1)
      %12: f32[5,16] = BatchMatMul(%11, %7, transposeA=false, transposeB=true)
      %13: f32[5,16] = Add(%12, %10)
      output y = %13"
    `);
  });

  describe('on a card', () => {
    const [rows, wide] = [5, 64];
    const own = new Map([
      ['w', random(wide, WIDTH)],
      ['bias', random(wide)],
      ['a', random(RANK, WIDTH)],
      ['b', random(wide, RANK)],
    ]);
    const fn: ProgramFunction = ({ x: input, core: given }, weight) => {
      const { value, grads } = tf.valueAndGrads((x: Tensor, core: Tensor) => {
        const base = tf.add(times(x, weight('w')), weight('bias'));
        const change = times(times(times(x, weight('a')), core), weight('b'));
        return tf.sum(tf.square(tf.add(base, change))) as never;
      })([input!, given!]);
      return { value, dx: grads[0]!, dcore: grads[1]! };
    };
    const inputs = {
      x: { shape: [rows, WIDTH], dtype: 'float32' },
      core: { shape: [RANK, RANK], dtype: 'float32' },
    } as const;
    const values = {
      x: random(rows, WIDTH).data as Float32Array,
      core: random(RANK, RANK).data as Float32Array,
    };
    const graph = traceOptimised(fn, { inputs, weights: own }, { device: 'cuda' });

    test('a joined weight with a bias serves both directions, its columns a multiple of 8', () => {
      checkGraph(graph);
      const joined = graph.nodes.filter(
        ({ op, outputs }) =>
          op === 'Concat' && outputs[0]!.shape[0] === wide && outputs[0]!.shape.length === 2,
      );
      expect(joined.map(({ outputs }) => outputs[0]!.shape)).toEqual([[wide, WIDTH + RANK + 8]]);
      const readers = graph.nodes.filter(({ inputs }) => inputs.includes(joined[0]!.outputs[0]!));
      expect(readers.map(({ op, attrs }) => [op, attrs.transposeB])).toEqual([
        ['BatchMatMul', true],
        ['BatchMatMul', false],
      ]);
    });

    test('where nothing is rounded a bias is one row, and rows of zeros', () => {
      const onWebgpu = traceOptimised(fn, { inputs, weights: own }, { device: 'webgpu' });
      const joined = onWebgpu.nodes.filter(
        ({ op, outputs }) => op === 'Concat' && outputs[0]!.shape[0] === wide,
      );
      expect(joined.map(({ inputs }) => inputs.map(({ shape }) => shape[1]))).toEqual([[WIDTH, RANK, 1, 7]]);
      expect(onWebgpu.nodes.some(({ op }) => op === 'RoundTo')).toBe(false);
    });

    test('a bias is three numbers that rounding to TF32 does not change', async () => {
      const rounded = graph.nodes.filter(({ op }) => op === 'RoundTo').map(({ attrs }) => attrs.to);
      expect(rounded).toEqual(['bf16', 'bf16']);
      const plain = traceOptimised(fn, { inputs, weights: own }, { without: ALL });
      expectParity(
        await runLowered(graph, TARGETS.cpu, values, own),
        await runLowered(plain, TARGETS.cpu, values, own),
        'on a card',
      );
      // Without anything else in the product, the sum of the three is the bias to the last bit.
      const zeros = { x: new Float32Array(rows * WIDTH), core: values.core };
      const only: ProgramFunction = ({ x, core }, weight) => ({
        y: tf.add(
          tf.add(times(x!, weight('w')), weight('bias')),
          times(times(times(x!, weight('a')), core!), weight('b')),
        ),
      });
      const alone = traceOptimised(only, { inputs, weights: own }, { device: 'cuda' });
      const { y } = await runLowered(alone, TARGETS.cpu, zeros, own);
      const bias = own.get('bias')!.data;
      for (let row = 0; row < rows; row++) expect(y!.data.slice(row * wide, (row + 1) * wide)).toEqual(bias);
    });
  });

  test('where copying costs more than adding, sums stay', () => {
    const own = new Map([
      ['w', random(2, 8)],
      ['v', random(2, 8)],
    ]);
    const fn: ProgramFunction = ({ x }, weight) => ({
      y: tf.add(times(x!, weight('w')), times(tf.relu(x!), weight('v'))),
    });
    expect(trace(fn, [5, 8], own)).not.toContain('Concat');
  });

  test('a term that is read elsewhere stays by itself', () => {
    const own = new Map([
      ['w', random(8, 4)],
      ['v', random(8, 4)],
    ]);
    const fn: ProgramFunction = ({ x }, weight) => {
      const term = times(x!, weight('w'));
      return { term, y: tf.add(term, times(tf.relu(x!), weight('v'))) };
    };
    expect(trace(fn, [5, 4], own)).not.toContain('Concat');
  });

  test('large weights stay in their files on a CPU', () => {
    const shape = [16384, 16384];
    const outline = (name: string) =>
      [name, { kind: 'file', dtype: 'F32', shape, file: name, offset: 0, byteLength: 2 ** 30 }] as const;
    const own = new Map([outline('w'), outline('v')]);
    const fn: ProgramFunction = ({ x }, weight) => ({
      y: tf.add(times(x!, weight('w')), times(tf.relu(x!), weight('v'))),
    });
    const inputs = { x: { shape: [2, 16384], dtype: 'float32' } } as const;
    const on = (device: 'cpu' | 'cuda') => traceOptimised(fn, { inputs, weights: own as never }, { device });
    expect(count(on('cpu'), 'Concat')).toBe(0);
    expect(count(on('cuda'), 'Concat')).toBe(0);
  });
});

describe('large weights on a card', () => {
  const without = ['sums of products', 'products of one input', 'bias into Gemm'];
  const apart = traceOptimised(attention, signature, { device: 'cuda', without });
  const joinedWith = (isThrifty: boolean) => {
    const trained = [apart.inputs.get('cores')!];
    return joins({ trained }, 'cuda', isThrifty).reduce((graph, pass) => pass.run(graph), apart);
  };
  /** In how many tensors a weight's numbers lie that something other than a weight reads. */
  const layoutsOf = ({ nodes, weights }: Graph, name: string): number => {
    const holders = new Set([weights.get(name)!]);
    const frozen = new Set([...weights.values()]);
    const read = new Set<unknown>();
    for (const { op, inputs, outputs } of nodes) {
      if (op === 'Fill' || inputs.every((input) => frozen.has(input))) {
        for (const output of outputs) frozen.add(output);
        if (inputs.some((input) => holders.has(input))) for (const output of outputs) holders.add(output);
      } else for (const input of inputs) if (holders.has(input)) read.add(input);
    }
    return read.size;
  };

  test('are laid out once, for both directions', async () => {
    const [thrifty, usual] = [joinedWith(true), joinedWith(false)];
    checkGraph(thrifty);
    const counts = (graph: Graph) => NAMES.map((name) => layoutsOf(graph, name));
    expect(counts(thrifty)).toEqual([1, 1, 1]);
    expect(counts(usual)).toEqual([2, 2, 2]);
    expect(count(thrifty, 'BatchMatMul')).toBeLessThan(count(apart, 'BatchMatMul') - 4);
    const run = (graph: Graph) => runLowered(graph, ANY_TARGET, feeds, weights);
    expectParity(await run(thrifty), await run(apart), 'thrifty');
  });

  test('roundings of one weight count as one', () => {
    const fn: ProgramFunction = ({ x }, weight) => ({
      y: times(times(x!, weight('query')), weight('query')),
      z: times(x!, weight('key')),
    });
    const inputs = { x: signature.inputs.x };
    const graph = traceOptimised(fn, { inputs, weights }, { precision: 'bf16' });
    const idOf = roundedIds(graph);
    const rounded = graph.nodes.filter(({ op, attrs }) => op === 'RoundTo' && attrs.use !== undefined);
    expect(rounded).toHaveLength(3);
    expect(new Set(rounded.map(({ outputs }) => idOf(outputs[0]!))).size).toBe(2);
  });
});
