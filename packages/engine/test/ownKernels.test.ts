/** What passes make for kernels of our own - moves, rows, roundings - computes what the graph did before. */
import {
  type CompileOptions,
  compile,
  layerNorm,
  RandomStream,
  rmsNorm,
  type Tensor,
  type TensorSpec,
  tf,
  tokenLoss,
  traceOptimised,
} from '@psoft/engine';
import { describe, expect, test } from 'vitest';
import { checkGraph } from '../src/ir/check.ts';
import { type Graph, sizeOf } from '../src/ir/graph.ts';
import type { Moves } from '../src/ir/moves.ts';
import { hasCompiler, hostKernels } from './hostKernels.ts';
import { kernelInterpreter } from './kernelInterpreter.ts';
import { expectParity } from './kernelParity.ts';

type Fn = (inputs: Record<string, Tensor>) => Record<string, Tensor>;
type Specs = Record<string, TensorSpec>;

const f32 = (...shape: number[]): TensorSpec => ({ shape, dtype: 'float32' });

function drawn(specs: Specs, seed: number) {
  const rng = RandomStream.from(seed, 'own kernels');
  return Object.fromEntries(
    Object.entries(specs).map(([name, { shape, dtype }]) => {
      const size = { length: sizeOf(shape) };
      return [
        name,
        dtype === 'int32'
          ? Int32Array.from(size, () => rng.integer(5))
          : Float32Array.from(size, () => rng.normal()),
      ];
    }),
  );
}

/** Runs a program with kernels of our own, as they are written where there is a compiler, against ONNX Runtime's. */
async function expectSame(fn: Fn, inputs: Specs, options: CompileOptions = {}, tolerance?: number) {
  const kernels = hasCompiler ? hostKernels() : kernelInterpreter();
  const values = drawn(inputs, 1);
  const plain = await compile(fn as never, { inputs }, options);
  const own = await compile(fn as never, { inputs }, { ...options, binding: 'native', kernels });
  const [expected, actual] = [await plain.run(values), await own.run(values)];
  await Promise.all([plain.dispose(), own.dispose()]);
  expectParity(actual, expected, 'own kernels', tolerance);
}

function traced(fn: Fn, inputs: Specs, options: Pick<CompileOptions, 'precision'> = {}): Graph {
  const graph = traceOptimised(fn as never, { inputs }, { ...options, device: 'cuda', hasKernels: true });
  checkGraph(graph);
  return graph;
}

const counted = ({ nodes }: Graph, op: string) => nodes.filter((node) => node.op === op).length;
const movesOf = ({ nodes }: Graph) =>
  nodes.flatMap(({ op, attrs }) => (op === 'Moved' ? [attrs.moves as Moves] : []));

/** Where programs can be bound natively. */
const onLinux = test.runIf(process.platform === 'linux');

/** Parts, paddings, transposes and other shapes at random, with products and sums of elements in between. */
function randomLayout(seed: number): { fn: Fn; specs: Specs } {
  const rng = RandomStream.from(seed, 'layout');
  const specs = { a: f32(4, 6, 8), b: f32(4, 6, 8), c: f32(24, 8), d: f32(3, 5), e: f32(2, 3, 4, 5) };
  const plan = Array.from({ length: 50 }, () => [
    rng.integer(9),
    rng.uniform(),
    rng.uniform(),
    rng.uniform(),
  ]);
  const fn: Fn = (inputs) => {
    const pool = Object.values(inputs);
    for (const [kind, u, v, w] of plan as [number, number, number, number][]) {
      const x = pool[Math.floor(pool.length * Math.sqrt(u))]!;
      const axis = Math.floor(v * x.rank);
      const size = x.shape[axis]!;
      const cut = 1 + Math.floor(w * (size - 1));
      const begin = x.shape.map((_, i) => (i === axis ? Math.floor(w * size) : 0));
      const turned = x.shape.map((_, i) => (i + 1) % x.rank);
      const swapped = x.shape.map((_, i) => (i === 0 ? 1 : i === 1 ? 0 : i));
      const made = [
        () =>
          tf.slice(
            x,
            begin,
            x.shape.map((dim, i) => dim - begin[i]!),
          ),
        () => (size > 1 ? tf.split(x, [cut, size - cut], axis)[Math.round(v)]! : x),
        () => tf.concat([x, tf.exp(tf.neg(x)), tf.ones(x.shape)] as Tensor[], axis),
        () =>
          tf.pad(
            x,
            x.shape.map((_, i) => (i === axis ? [1, 2] : [0, 0])) as [number, number][],
            w < 0.5 ? 0 : 2,
          ),
        () => tf.transpose(x, w < 0.5 && x.rank > 2 ? swapped : turned),
        () => tf.reshape(x, [x.shape[0]!, -1]),
        () => tf.stack(tf.unstack(x, axis), axis === 0 ? x.rank - 1 : 0),
        () => tf.mul(tf.sin(x), 0.5),
        () => tf.stack([x, tf.cos(x)], axis),
      ][kind]!() as Tensor;
      if (made.size < 4000 && made.rank < 6 && made.size > 1) pool.push(made);
    }
    return Object.fromEntries(pool.slice(-8).map((y, i) => [`y${i}`, tf.add(tf.square(y), 1)]));
  };
  return { fn, specs };
}

describe('moves', () => {
  onLinux.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])('at random give the same (seed %i)', async (seed) => {
    const { fn, specs } = randomLayout(seed);
    expect(movesOf(traced(fn, specs)).length).toBeGreaterThan(2);
    await expectSame(fn, specs);
  });

  const heads: Fn = ({ q, k }) => {
    const merged = (x: Tensor) => tf.reshape(tf.transpose(tf.exp(x), [0, 2, 1, 3]), [10, 24]) as Tensor;
    return { y: tf.matMul(tf.concat([merged(q!), merged(k!)], 1) as never, tf.ones([48, 2]) as never) };
  };
  const qk = { q: f32(2, 3, 5, 8), k: f32(2, 3, 5, 8) };

  onLinux('of heads go from where they are', async () => {
    const graph = traced(heads, qk);
    expect([counted(graph, 'Transpose'), movesOf(graph).length]).toEqual([0, 1]);
    await expectSame(heads, qk);
  });

  const shifted: Fn = ({ x, y }) => {
    // Rows one shorter than they are: each is one place further to the left.
    const rows = tf.reshape(tf.slice(tf.reshape(x!, [3, 64]), [0, 7], [3, 56]), [3, 8, 7]);
    return { z: tf.mul(tf.add(tf.slice(rows, [0, 0, 0], [3, 8, 4]), y!), 2) };
  };
  const xy = { x: f32(3, 8, 8), y: f32(3, 8, 4) };

  onLinux('of what only a fused kernel reads are none', async () => {
    const graph = traced(shifted, xy);
    expect([movesOf(graph).length, counted(graph, 'Slice'), counted(graph, 'Fused')]).toEqual([0, 0, 1]);
    await expectSame(shifted, xy);
  });

  test('what a model has once for all is left to ONNX Runtime', () => {
    const graph = traced(
      ({ x }) => ({ y: tf.matMul(x as never, tf.concat([tf.ones([4, 2]), tf.zeros([4, 3])], 1)) }),
      {
        x: f32(6, 4),
      },
    );
    expect(movesOf(graph)).toEqual([]);
  });
});

/** Attention and its gradients. */
const attention =
  (isMasked: boolean): Fn =>
  ({ q, k, v, mask }) => {
    const y = (q: Tensor, k: Tensor, v: Tensor) => {
      const scores = tf.matMul(q as never, k as never, false, true) as Tensor;
      return tf.sum(
        tf.square(tf.matMul(tf.softmax(isMasked ? tf.add(scores, mask!) : scores) as never, v as never)),
      );
    };
    const { value, grads } = tf.valueAndGrads(y as never)([q, k, v] as never);
    const [dq, dk, dv] = grads as unknown as [Tensor, Tensor, Tensor];
    return { value, dq, dk, dv };
  };

describe('attention', () => {
  const tokens = (n: number): Specs => ({
    q: f32(2, n, 8),
    k: f32(2, n, 8),
    v: f32(2, n, 8),
    mask: f32(1, n),
  });

  onLinux.each([
    [70, 72, false],
    [70, 72, true],
    [64, 64, true],
  ])('over %i tokens has rows of %i, mask %s', async (n, aligned, isMasked) => {
    const { mask, ...others } = tokens(n);
    const inputs = isMasked ? { ...others, mask: mask! } : others;
    const graph = traced(attention(isMasked), inputs);
    const rows = graph.nodes.filter(({ op }) => op === 'RowSoftmax');
    expect(rows.map(({ inputs: [x], attrs }) => [x!.shape.at(-1), attrs.valid])).toEqual([[aligned, n]]);
    expect(rows[0]!.inputs.length).toBe(isMasked ? 2 : 1);
    await expectSame(attention(isMasked), inputs);
  });

  onLinux.each(['aligned rows', 'row softmax', 'moves', 'parts in place', 'fusion'])(
    'is the same without the pass "%s"',
    (name) => expectSame(attention(true), tokens(70), { without: [name] }),
  );

  test('whose probabilities are an output stays as it is', () => {
    const inputs = { q: f32(2, 70, 8), k: f32(2, 70, 8) };
    const graph = traced(
      ({ q, k }) => ({ p: tf.softmax(tf.matMul(q as never, k as never, false, true) as Tensor) }),
      inputs,
    );
    expect(graph.outputs.get('p')!.shape).toEqual([2, 70, 70]);
    expect(graph.nodes.find(({ op }) => op === 'RowSoftmax')!.inputs[0]!.shape).toEqual([2, 70, 70]);
  });
});

describe('in 16 bits', () => {
  const inputs = { x: f32(2, 6, 16), gamma: f32(16), w: f32(16, 16) };
  const rounded: Fn = ({ x, gamma, w }) => {
    const { value, grads } = tf.valueAndGrads(((x: Tensor) => {
      const flat = tf.reshape(rmsNorm(x, gamma!, 1e-6), [12, 16]);
      const y = tf.matMul(flat as never, w as never) as Tensor;
      const heads = tf.transpose(tf.reshape(tf.sin(y), [2, 6, 4, 4]), [0, 2, 1, 3]);
      return tf.sum(tf.square(tf.matMul(heads as never, heads as never, false, true)));
    }) as never)([x] as never);
    return { value, dx: (grads as unknown as Tensor[])[0]! };
  };

  onLinux('numbers are rounded where they are made', async () => {
    const graph = traced(rounded, inputs, { precision: 'bf16' });
    const norm = graph.nodes.find(({ op }) => op === 'RmsNorm')!;
    expect(norm.attrs.roundTo).toBe('bf16');
    // Of the weight, which each of its uses rounds for itself, and of products, which are of that type where they are made.
    const free = [
      ...graph.inputs.values(),
      ...graph.nodes.flatMap(({ op, outputs }) => (op === 'BatchMatMul' ? outputs : [])),
    ];
    const roundings = graph.nodes.filter(({ op }) => op === 'RoundTo');
    expect(roundings.filter(({ inputs: [x] }) => !free.includes(x!))).toEqual([]);
    await expectSame(rounded, inputs, { precision: 'bf16' }, 2e-2);
  });
});

describe('losses and norms', () => {
  const inputs: Specs = {
    x: f32(6, 16),
    gamma: f32(16),
    beta: f32(16),
    labels: { shape: [6], dtype: 'int32' },
  };

  const lossOf: Fn = ({ x, labels }) => {
    const { value, grads } = tf.valueAndGrads(((x: Tensor) =>
      tf.sum(tokenLoss(tf.mul(tf.sin(x), 3) as never, labels as never) as Tensor)) as never)([x] as never);
    return { value, dx: (grads as unknown as Tensor[])[0]! };
  };

  onLinux('the softmax over a vocabulary is never written', async () => {
    const { x, labels } = inputs as { x: TensorSpec; labels: TensorSpec };
    const graph = traced(lossOf, { x, labels });
    expect([counted(graph, 'RowLogSum'), counted(graph, 'TokenLoss')]).toEqual([1, 0]);
    await expectSame(lossOf, { x, labels });
  });

  const residual: Fn = ({ x, gamma, beta }) => {
    const { value, grads } = tf.valueAndGrads(((x: Tensor) => {
      const y = tf.add(x, tf.sin(layerNorm(x, gamma!, beta!, 1e-6)));
      return tf.sum(tf.square(tf.add(y, tf.cos(rmsNorm(y as Tensor, gamma!, 1e-6)))));
    }) as never)([x] as never);
    return { value, dx: (grads as unknown as Tensor[])[0]! };
  };

  onLinux("a norm's gradient is added to the residual stream's in one kernel", async () => {
    const { labels: _, ...others } = inputs;
    const graph = traced(residual, others);
    const taken = (op: string) => graph.nodes.find((node) => node.op === op)!.inputs.length;
    expect([taken('LayerNormGrad'), taken('RmsNormGrad')]).toEqual([6, 5]);
    await expectSame(residual, others);
  });
});

onLinux.each([2, 5, 33, 130, 257, 1000, 4100])('rows of %i numbers', async (width) => {
  const inputs: Specs = {
    x: f32(3, width),
    gamma: f32(width),
    labels: { shape: [3], dtype: 'int32' },
  };
  // Farther from 0 than they are spread: further off, ONNX Runtime's own norms lose digits.
  const fn: Fn = ({ x, gamma, labels }) => {
    const far = tf.add(tf.mul(x!, 0.5), 5) as Tensor;
    const index = tf.minimum(labels!, tf.scalar(width - 1, 'int32')) as never;
    return {
      softmax: tf.softmax(far),
      loss: tokenLoss(far as never, index) as Tensor,
      layer: layerNorm(far, gamma!, gamma!, 1e-5),
      rms: rmsNorm(far, gamma!, 1e-5),
    };
  };
  await expectSame(fn, inputs);
});

onLinux('a row of logits with NaN has the loss NaN', async () => {
  const inputs = { x: f32(3, 300), labels: { shape: [3], dtype: 'int32' } } as const;
  const kernels = hasCompiler ? hostKernels() : kernelInterpreter();
  const program = await compile(
    ({ x, labels }) => ({ loss: tokenLoss(x as never, labels as never) }),
    { inputs },
    { binding: 'native', kernels },
  );
  const x = new Float32Array(900).fill(1);
  x[450] = Number.NaN;
  const { loss } = await program.run({ x, labels: Int32Array.of(0, 7, 299) });
  await program.dispose();
  expect([...loss!.data].map(Number.isNaN)).toEqual([false, true, false]);
});

test('a gradient that tfjs spreads by ones of any size is a number', () => {
  // 80 MB of them, more than a program may hold as a constant.
  const graph = traced(
    ({ x }) => ({ dx: tf.grad(((x: Tensor) => tf.mean(tf.square(x))) as never)(x as never) as Tensor }),
    { x: f32(5000, 4096) },
  );
  expect([graph.constants.size, graph.nodes.map(({ op }) => op)]).toEqual([0, ['Fused']]);
});
