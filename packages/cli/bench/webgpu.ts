/**
 * `nx run bench:webgpu`: what this machine's WebGPU adapter does with the engine's kernels and with training steps of
 * small models, beside the CPU. Prints one JSON object a line; exit code 1 where anything is further off than it may
 * be, or runs on the CPU. Bundled to one file it needs onnxruntime-node alone: see docs/webgpu.md.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { getPeftModel, METHODS, methodNamed } from '@psoft/adapter';
import { compile, deviceProblem, dropoutStep, type Executor, RandomStream, tf } from '@psoft/engine';
import { compileTrainStep, type ParameterRange, ParameterVector } from '@psoft/training';
import { kernelCases } from '../../engine/test/kernelCases.ts';
import { difference, drawCase, SEEDS, TOLERANCE, titleOf } from '../../engine/test/kernelDraw.ts';
import { OPEN_IN_WGSL, WEBGPU_TOLERANCE } from '../../engine/test/webgpuTolerance.ts';
import { type BenchShape, SHAPES, scaled, storedShape } from './shapes.ts';

const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
const problem = await deviceProblem('webgpu');
if (problem !== undefined) {
  process.stderr.write(`${problem}\n`);
  process.exit(1);
}
let isRight = true;
// A session that stays open keeps the device and its compiled shaders.
const inputs = { x: { shape: [1], dtype: 'float32' } } as const;
const kept = await compile(({ x }) => ({ y: tf.neg(x!) }), { inputs }, { executor: 'webgpu' });
await kernels();
await steps();
await kept.dispose();
process.exitCode = isRight ? 0 : 1;

/** Every kernel, value and gradient, against tfjs. */
async function kernels(): Promise<void> {
  let [count, worst] = [0, 0];
  const off: string[] = [];
  const lacking: string[] = [];
  for (const row of kernelCases.filter(({ kernel }) => !OPEN_IN_WGSL.has(kernel)))
    for (const seed of SEEDS) {
      const { fn, specs, values } = drawCase(row, seed);
      const results = [];
      try {
        for (const executor of ['eager-cpu', 'webgpu'] as const) {
          const program = await compile(fn, { inputs: specs }, { executor });
          results.push(await program.run(values));
          await program.dispose();
        }
        const [expected, actual] = results;
        const errors = Object.entries(expected!).map(([name, { data }]) =>
          difference(actual![name]!.data, data),
        );
        const error = Math.max(...errors);
        if (!(row.kernel in WEBGPU_TOLERANCE)) worst = Math.max(worst, error);
        if (!(error <= (WEBGPU_TOLERANCE[row.kernel] ?? TOLERANCE)))
          off.push(`${titleOf(row)}, seed ${seed}: ${error}`);
      } catch (error) {
        const { message } = error as Error;
        const list = /no 16-bit floats/.test(message) ? lacking : off;
        list.push(`${titleOf(row)}, seed ${seed}: ${message.split('\n')[0]}`);
      }
      count++;
    }
  isRight &&= off.length === 0;
  say({ kernels: count, tolerance: TOLERANCE, worst, off, lacking });
}

/** One training step of each method at toy size: loss and gradient against the CPU's, and no node outside WebGPU. */
async function steps(): Promise<void> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'psoft-webgpu-'));
  try {
    for (const [name, shape] of Object.entries(SHAPES))
      for (const method of Object.keys(METHODS)) {
        const toy = scaled(shape, { toy: true });
        try {
          const cpu = await step(toy, method, 'cpu', folder);
          const webgpu = await step(toy, method, 'webgpu', folder);
          const lossError = Math.abs(cpu.loss - webgpu.loss) / Math.max(1, cpu.loss);
          const gradientError = worstRange(cpu.ranges, webgpu.gradient, cpu.gradient);
          isRight &&= lossError < 1e-5 && gradientError < 1e-3;
          say({ shape: name, method, lossError, gradientError, onnxNodes: webgpu.nodes });
        } catch (error) {
          isRight = false;
          say({ shape: name, method, error: (error as Error).message.split('\n')[0] });
        }
      }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function step(shape: BenchShape, method: string, executor: Executor, folder: string) {
  const model = await storedShape(shape, 'F32', folder);
  const chosen = methodNamed(method).configure({
    taskType: shape.task === 'causal-lm' ? 'CAUSAL_LM' : 'SEQ_CLS',
    targetModules: 'all-linear',
  });
  const adapted = await getPeftModel(model, chosen, { seed: 1 });
  const vector = new ParameterVector(adapted.parameters);
  const compiled = await compileTrainStep(adapted, vector, shape.loss, shape.spec(shape.extent), {
    executor,
    // An operator on the CPU is an error.
    ...(executor === 'webgpu' ? { sessionEntries: { 'session.disable_cpu_ep_fallback': '1' } } : {}),
  });
  const batch = shape.inputs(shape.extent, RandomStream.from(2, 'bench'));
  const { loss, gradient } = await compiled.run(vector.values, batch, dropoutStep(1, 0));
  await compiled.program.dispose();
  return { loss, gradient, ranges: vector.ranges, nodes: compiled.program.stats.onnxNodes };
}

/**
 * Largest, over the parameter groups of a step, of the difference's norm by the norm of what is expected. Where that
 * is next to nothing beside the whole gradient, by a hundred thousandth of the whole.
 */
function worstRange(ranges: readonly ParameterRange[], actual: Float32Array, expected: Float32Array): number {
  const norm = (at: number, size: number, of: (i: number) => number) => {
    let sum = 0;
    for (let i = at; i < at + size; i++) sum += of(i) ** 2;
    return Math.sqrt(sum);
  };
  const whole = norm(0, expected.length, (i) => expected[i]!);
  const errors = ranges.map(({ offset, size }) => {
    const off = norm(offset, size, (i) => actual[i]! - expected[i]!);
    return (
      off /
      Math.max(
        1e-5 * whole,
        norm(offset, size, (i) => expected[i]!),
      )
    );
  });
  return Math.max(...errors);
}
