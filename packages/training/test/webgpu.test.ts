/**
 * Training steps on WebGPU: no operator of any method's runs on the CPU, and losses and gradients are the CPU's.
 */
import { getPeftModel, METHODS, methodNamed } from '@psoft/adapter';
import { compile, dropoutStep, type Executor, openCheckpoint, RandomStream, type TrainableModel, type TypedArray, tf } from '@psoft/engine';
import { crossEntropy, initialiseHeads, modelFor, type Task } from '@psoft/models';
import { type CheckpointName, checkpointFolder } from '../../tiny-models/src/checkpoints.ts';
import { afterAll, describe, expect, test } from 'vitest';
import { webgpuProblem } from '../../engine/test/webgpuAdapter.ts';
import { ParameterVector } from '../src/parameters.ts';
import { type BatchSpec, compileTrainStep, type LossFunction } from '../src/programs.ts';
import { trainAll, trainHead } from '../src/trainable.ts';

const problem = await webgpuProblem();
/** Makes a session fail if one of its nodes was to run on the CPU. */
const NOTHING_ELSEWHERE = { 'session.disable_cpu_ep_fallback': '1' };

interface Tiny {
  readonly task: Task;
  readonly spec: BatchSpec;
  readonly inputs: Readonly<Record<string, TypedArray>>;
  readonly loss: LossFunction;
}

const rng = RandomStream.from(3, 'webgpu test');
const ids = (count: number, limit: number) => Int32Array.from({ length: count }, () => 4 + rng.integer(limit - 4));
const classes: LossFunction = (outputs, batch) => crossEntropy(outputs.logits!, batch.labels!);

const MODELS: Record<string, Tiny> = {
  'deberta-tiny': {
    task: 'sequence-classification',
    spec: {
      inputIds: { shape: [2, 8], dtype: 'int32' },
      attentionMask: { shape: [2, 8], dtype: 'float32' },
      labels: { shape: [2], dtype: 'int32' },
    },
    inputs: {
      inputIds: ids(16, 4096),
      attentionMask: Float32Array.from({ length: 16 }, (_, i) => (i < 13 ? 1 : 0)),
      labels: Int32Array.of(0, 1),
    },
    loss: classes,
  },
  'vit-tiny': {
    task: 'image-classification',
    spec: { pixelValues: { shape: [2, 3, 32, 32], dtype: 'float32' }, labels: { shape: [2], dtype: 'int32' } },
    inputs: {
      pixelValues: Float32Array.from({ length: 2 * 3 * 32 * 32 }, () => rng.normal()),
      labels: Int32Array.of(1, 0),
    },
    loss: classes,
  },
  'llama-tiny': {
    task: 'causal-lm',
    spec: {
      inputIds: { shape: [2, 8], dtype: 'int32' },
      labels: { shape: [2, 8], dtype: 'int32' },
      lossScale: { shape: [], dtype: 'float32' },
    },
    inputs: { inputIds: ids(16, 1000), labels: ids(16, 1000), lossScale: Float32Array.of(1 / 14) },
    loss: (outputs) => outputs.loss!,
  },
};

async function trainable(name: string, method: string): Promise<TrainableModel> {
  const { task } = MODELS[name]!;
  const { config, weights } = await openCheckpoint(checkpointFolder(name as CheckpointName));
  const heads = task === 'causal-lm' ? new Map() : initialiseHeads(task, config, weights, 1);
  const model = modelFor(task, config, new Map([...weights, ...heads]));
  if (method === 'full') return trainAll(model);
  if (method === 'head') return trainHead(model);
  const chosen = methodNamed(method).configure({
    taskType: task === 'causal-lm' ? 'CAUSAL_LM' : 'SEQ_CLS',
    targetModules: 'all-linear',
  });
  return getPeftModel(model, chosen, { seed: 1 });
}

async function stepOf(name: string, model: TrainableModel, executor: Executor, isAlone = false) {
  const { spec, loss } = MODELS[name]!;
  const vector = new ParameterVector(model.parameters);
  const options = { executor, ...(isAlone ? { sessionEntries: NOTHING_ELSEWHERE } : {}) };
  return { vector, step: await compileTrainStep(model, vector, loss, spec, options) };
}

describe.skipIf(problem !== undefined)(`WebGPU${problem === undefined ? '' : `, not here: ${problem}`}`, async () => {
  // A session that stays open keeps the device and its compiled shaders.
  const kept = problem === undefined
    ? await compile(({ x }) => ({ y: tf.neg(x!) }), { inputs: { x: { shape: [1], dtype: 'float32' } } }, { executor: 'webgpu' })
    : undefined;
  afterAll(() => kept?.dispose());

  const methods = [...Object.keys(METHODS), 'full', 'head'];
  test.each([
    ...methods.map((method) => ['deberta-tiny', method] as const),
    ...methods.filter((m)=>m!=='head').map((method) => ['llama-tiny', method] as const),
    ...methods.map((method) => ['vit-tiny', method] as const),
  ])('%s, %s: no operator of a step runs on the CPU', async (name, method) => {
    const { step } = await stepOf(name, await trainable(name, method), 'webgpu', true);
    expect(step.program.executor).toBe('webgpu');
    await step.program.dispose();
  });

  test.each(Object.keys(MODELS))('%s: loss and gradient of PSOFT are the CPU’s', async (name) => {
    const model = await trainable(name, 'psoft');
    const results = [];
    for (const executor of ['cpu', 'webgpu'] as const) {
      const { step, vector } = await stepOf(name, model, executor);
      results.push(await step.run(vector.values, MODELS[name]!.inputs, dropoutStep(1, 2)));
      await step.program.dispose();
    }
    const [cpu, webgpu] = results as [(typeof results)[0], (typeof results)[0]];
    const largest = cpu.gradient.reduce((max, one) => Math.max(max, Math.abs(one)), 0);
    const worst = cpu.gradient.reduce((max, one, i) => Math.max(max, Math.abs(one - webgpu.gradient[i]!)), 0);
    console.log(name, cpu.loss, webgpu.loss, largest, worst / largest);
    expect(largest).toBeGreaterThan(1e-4);
    expect(Math.abs(cpu.loss - webgpu.loss)).toBeLessThan(1e-5 * Math.max(1, cpu.loss));
    expect(worst / largest).toBeLessThan(1e-4);
  });
});
