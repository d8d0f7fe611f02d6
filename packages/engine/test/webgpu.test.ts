/**
 * WebGPU, where there is an adapter: every kernel, value and gradient, against tfjs's own cpu backend, for one seed, or
 * with PSOFT_WEBGPU=all for three. Training steps: `packages/training/test/webgpu.test.ts`.
 */
import { readFileSync } from 'node:fs';
import { compile, DeviceError, type Program, type Tensor, tf, traceOptimised } from '@psoft/engine';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lower } from '../src/onnx/lower.ts';
import type { OnnxNode } from '../src/onnx/proto.ts';
import { TARGETS } from '../src/onnx/target.ts';
import { WEBGPU_LACKS, WEBGPU_SUBSTITUTES } from '../src/onnx/webgpu.ts';
import { deviceErrorOf } from '../src/run/deviceError.ts';
import { kernelCases } from './kernelCases.ts';
import { drawCase, expectParity, SEEDS, titleOf } from './kernelParity.ts';
import { ALL_OF_WEBGPU, inWebgpu, webgpuProblem } from './webgpuAdapter.ts';
import { OPEN_IN_WGSL, WEBGPU_TOLERANCE } from './webgpuTolerance.ts';

const problem = await webgpuProblem();

describe.skipIf(problem !== undefined)(inWebgpu('WebGPU', problem), () => {
  let kept: Program;
  beforeAll(async () => {
    // A session that stays open keeps the device and its compiled shaders.
    kept = await on(['x'], ({ x }) => tf.neg(x!));
  });
  afterAll(() => kept.dispose());

  const rows = kernelCases.filter(({ kernel }) => !OPEN_IN_WGSL.has(kernel));
  describe.each(rows.map((row) => [titleOf(row), row] as const))('%s', (_, row) => {
    test.for(ALL_OF_WEBGPU ? SEEDS : [1])('agrees with tfjs (seed %i)', async (seed, { skip }) => {
      const { fn, specs, values, inputs } = drawCase(row, seed);
      const [webgpu, eager] = [
        await compile(fn, { inputs: specs }, { executor: 'webgpu' }),
        await compile(fn, { inputs: specs }, { executor: 'eager-cpu' }),
      ];
      try {
        const actual = await webgpu.run(values).catch((error: Error) => {
          skip(/no 16-bit floats/.test(error.message), 'the adapter has no 16-bit floats');
          throw error;
        });
        const what = `${row.kernel}, seed ${seed}, shapes ${JSON.stringify(inputs)}`;
        expectParity(actual, await eager.run(values), what, WEBGPU_TOLERANCE[row.kernel]);
      } finally {
        await Promise.all([webgpu.dispose(), eager.dispose()]);
      }
    });
  });

  test('what is no number, or not finite, is told apart', async () => {
    const program = await compile(
      ({ x }) => ({ nan: tf.isNaN(x!), inf: tf.isInf(x!), finite: tf.isFinite(x!) }),
      { inputs: { x: { shape: [5], dtype: 'float32' } } },
      { executor: 'webgpu' },
    );
    const { nan, inf, finite } = await program.run({
      x: Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 3e38),
    });
    await program.dispose();
    expect([nan, inf, finite].map((one) => [...one!.data])).toEqual([
      [1, 0, 0, 0, 0],
      [0, 1, 1, 0, 0],
      [0, 0, 0, 1, 1],
    ]);
  });
});

function on(names: readonly string[], fn: (inputs: Record<string, Tensor>) => Tensor): Promise<Program> {
  const inputs = Object.fromEntries(names.map((name) => [name, { shape: [1], dtype: 'float32' as const }]));
  return compile((named) => ({ y: fn(named) }), { inputs }, { executor: 'webgpu' });
}

/** By session.disable_cpu_ep_fallback, profiles and the training steps: what the provider's kernels were seen to run. */
const SEEN_ON_WEBGPU = new Set(
  `Abs Add And ArgMax ArgMin Cast Ceil Clip Concat Cos CumSum Div Equal Erf Exp Expand Floor Gather
  GatherElements Gelu Gemm Greater GreaterOrEqual HardSigmoid Identity LayerNormalization Less LessOrEqual Log
  MatMul Max Min Mul Neg Not Pad Pow QuickGelu Reciprocal ReduceMax ReduceMean ReduceMin
  ReduceProd ReduceSum ReduceSumSquare Relu Reshape RotaryEmbedding ScatterElements ScatterND Sigmoid
  Sin Slice Softmax Softplus Split Sqrt Squeeze Sub Tan Tanh Tile TopK Transpose Unsqueeze Where`.split(
    /\s+/,
  ),
);
/** What stays on the CPU, and why: docs/webgpu.md. */
const ON_THE_CPU = new Set(['Loop']);

test('without an adapter, too: every operator written for WebGPU is one that was seen to run there', () => {
  const strange = new Map<string, string>();
  const visit = (nodes: readonly OnnxNode[], title: string) => {
    for (const { op, attributes } of nodes) {
      if (!SEEN_ON_WEBGPU.has(op) && !ON_THE_CPU.has(op)) strange.set(op, title);
      for (const value of Object.values(attributes))
        if (typeof value === 'object' && 'graph' in value) visit(value.graph.nodes, title);
    }
  };
  for (const row of kernelCases) {
    const { fn, specs } = drawCase(row, 1);
    const graph = traceOptimised(fn, { inputs: specs });
    visit(lower(graph, new Map(), 'm', 'none', { target: TARGETS.webgpu }).model.nodes, titleOf(row));
  }
  expect(Object.fromEntries(strange)).toEqual({});
});

test('docs/webgpu.md lists what is written for what', () => {
  const page = readFileSync(new URL('../../../docs/webgpu.md', import.meta.url), 'utf8');
  const rows = page.split('\n').filter((line) => line.startsWith('| `'));
  for (const op of [...Object.keys(WEBGPU_SUBSTITUTES), ...WEBGPU_LACKS, ...ON_THE_CPU])
    expect(
      rows.some((row) => row.split('|')[1]!.includes(`\`${op}\``)),
      op,
    ).toBe(true);
});

test('bfloat16, which WebGPU has not, is refused before anything is made', async () => {
  const inputs = { x: { shape: [1], dtype: 'float32' } } as const;
  const fn = ({ x }: Record<string, Tensor>) => ({ y: x! });
  await expect(compile(fn, { inputs }, { executor: 'webgpu', precision: 'bf16' })).rejects.toThrow(
    'the device "webgpu" has no bfloat16; use precision f16 or f32',
  );
});

test.each([
  [
    'webgpu_context.cc:136 was false. Failed to get a WebGPU adapter: No supported adapters',
    /docs\/webgpu\.md/,
  ],
  ['Program Cast requires f16 but the device does not support it.', /use precision f32/],
  ['Too many storage buffers in shader. Current: 28, Max is 16', /larger than its shaders can bind/],
  [
    'WebGPU validation failed. [Invalid Buffer (unlabeled)] is invalid due to a previous error.',
    /more memory/,
  ],
])('%s: says what to do', (message, remedy) => {
  const error = deviceErrorOf('webgpu', new Error(message));
  expect(error).toBeInstanceOf(DeviceError);
  expect(error.message).toMatch(/^the device "webgpu" cannot be used: /);
  expect(error.message).toMatch(remedy);
});
