/** Training steps whose element-wise computations are kernels of our own, against the same steps by ONNX Runtime's. */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { getPeftModel, PsoftConfig } from '@psoft/adapter';
import { type CompileOptions, deviceProblem, dropoutStep, RandomStream } from '@psoft/engine';
import { cudaObstacle } from '@psoft/engine/devices';
import { compileTrainStep, ParameterVector } from '@psoft/training';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasCompiler, hostKernels } from '../../engine/test/hostKernels.ts';
import { kernelInterpreter } from '../../engine/test/kernelInterpreter.ts';
import { SHAPES, type ShapeName, scaled, storedShape } from '../bench/shapes.ts';

/** Why there is no card to run on. */
const cuda = cudaObstacle() ?? (await deviceProblem('cuda'));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'psoft-kernels-'));
});
afterAll(() => rm(folder, { recursive: true }));

const EXTENT = { batch: 2, length: 16 };

async function stepOf(name: ShapeName, weights: 'F32' | 'BF16', useCayleyNeumann: boolean) {
  const shape = scaled(SHAPES[name], { layers: 2, hidden: 64, toy: true });
  const model = await storedShape(shape, weights, folder);
  const config = new PsoftConfig({
    r: 6,
    psoftAlpha: 6,
    targetModules: 'all-linear',
    taskType: shape.task === 'causal-lm' ? 'CAUSAL_LM' : 'SEQ_CLS',
    initWeights: false,
    psoftDropout: 0.1,
    useCayleyNeumann,
  });
  const adapted = await getPeftModel(model, config, { seed: 1 });
  const vector = new ParameterVector(adapted.parameters);
  const inputs = shape.inputs(EXTENT, RandomStream.from(2, 'kernels'));
  return async (options: CompileOptions) => {
    const step = await compileTrainStep(adapted, vector, shape.loss, shape.spec(EXTENT), options);
    const result = await step.run(vector.values, inputs, dropoutStep(1, 4));
    const { graph } = step.program;
    await step.program.dispose();
    return { ...result, graph: graph! };
  };
}

describe.runIf(process.platform === 'linux').each<[string, CompileOptions, number]>([
  ['float32', {}, 1e-4],
  // Sums in another order round to other 16-bit numbers here and there.
  ['16-bit products', { precision: 'bf16' }, 2e-2],
])('%s', (_, options, tolerance) => {
  test.each<[ShapeName, 'F32' | 'BF16', boolean]>([
    ['deberta', 'F32', true],
    ['vit', 'F32', false],
    ['llama', 'F32', false],
    ['llama', 'BF16', true],
  ])('%s of %s weights, Neumann %s: loss and gradient are the same', async (name, weights, isNeumann) => {
    const run = await stepOf(name, weights, isNeumann);
    const plain = await run(options);
    // As they are written, where there is a compiler; else as they are meant.
    const interpreter = hasCompiler ? hostKernels() : kernelInterpreter();
    const fused = await run({ ...options, binding: 'native', kernels: interpreter, planMemory: true });
    expect(fused.graph.nodes.filter(({ op }) => op === 'Fused').length).toBeGreaterThan(10);
    expect(interpreter.kernels.length).toBeGreaterThan(5);
    expect(fused.graph.nodes.length).toBeLessThan(plain.graph.nodes.length);
    expectSame(fused, plain, tolerance);
  });

  test.skipIf(cuda !== undefined).each<[ShapeName, 'F32' | 'BF16', boolean]>([
    ['deberta', 'F32', false],
    ['vit', 'F32', true],
    ['llama', 'BF16', true],
  ])('%s of %s weights, Neumann %s: the same on CUDA', async (name, weights, isNeumann) => {
    const run = await stepOf(name, weights, isNeumann);
    expectSame(await run({ ...options, executor: 'cuda' }), await run(options), 10 * tolerance);
  });
});

interface Step {
  readonly loss: number;
  readonly gradient: Float32Array;
}

function expectSame(actual: Step, expected: Step, tolerance: number): void {
  expect(Math.abs(actual.loss / expected.loss - 1)).toBeLessThan(tolerance);
  const largest = expected.gradient.reduce((max, one) => Math.max(max, Math.abs(one)), 0);
  const worst = expected.gradient.reduce(
    (max, one, i) => Math.max(max, Math.abs(one - actual.gradient[i]!)),
    0,
  );
  expect(largest).toBeGreaterThan(1e-4);
  expect(worst / largest).toBeLessThan(tolerance);
}
