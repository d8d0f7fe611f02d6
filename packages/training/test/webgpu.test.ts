/**
 * Training steps on WebGPU, where there is an adapter: no operator of any method's runs on the CPU, and losses and
 * gradients are the CPU's. With PSOFT_WEBGPU=all for every method and model.
 */
import { getPeftModel, METHODS, methodNamed } from '@psoft/adapter';
import {
  compile,
  dropoutStep,
  type Executor,
  type Model,
  openCheckpoint,
  type Program,
  RandomStream,
  type Tensor,
  type TrainableModel,
  type TypedArray,
  tf,
} from '@psoft/engine';
import { crossEntropy, initialiseHeads, initialiseModel, modelFor, type Task } from '@psoft/models';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALL_OF_WEBGPU, inWebgpu, webgpuProblem } from '../../engine/test/webgpuAdapter.ts';
import { type CheckpointName, checkpointFolder } from '../../tiny-models/src/checkpoints.ts';
import { Generator } from '../src/generate/index.ts';
import { AdamW } from '../src/optimiser.ts';
import { ParameterVector } from '../src/parameters.ts';
import { type BatchSpec, compileTrainStep, type LossFunction } from '../src/programs.ts';
import { trainAll, trainHead, trainSelected } from '../src/trainable.ts';

const problem = await webgpuProblem();
/** Makes a session fail if one of its nodes was to run on the CPU. */
const NOTHING_ON_THE_CPU = { 'session.disable_cpu_ep_fallback': '1' };

interface Tiny {
  readonly task: Task;
  readonly spec: BatchSpec;
  readonly inputs: Readonly<Record<string, TypedArray>>;
  readonly loss: LossFunction;
}

const rng = RandomStream.from(3, 'webgpu test');
const ids = (count: number, limit: number) =>
  Int32Array.from({ length: count }, () => 4 + rng.integer(limit - 4));
const classes: LossFunction = (outputs, batch) => crossEntropy(outputs.logits!, batch.labels!);

/** Small enough for a processor that plays the part of a GPU: seconds, shaders compiled. */
const SMALL = {
  model_type: 'vit',
  hidden_size: 16,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  intermediate_size: 32,
  hidden_act: 'gelu',
  hidden_dropout_prob: 0.1,
  attention_probs_dropout_prob: 0.1,
  initializer_range: 0.3,
  layer_norm_eps: 1e-12,
  image_size: 8,
  patch_size: 4,
  num_channels: 3,
  qkv_bias: true,
  id2label: { 0: 'no', 1: 'yes' },
};

const MODELS: Record<string, Tiny> = {
  small: {
    task: 'image-classification',
    spec: { pixelValues: { shape: [2, 3, 8, 8], dtype: 'float32' }, labels: { shape: [2], dtype: 'int32' } },
    inputs: {
      pixelValues: Float32Array.from({ length: 2 * 3 * 8 * 8 }, () => rng.normal()),
      labels: Int32Array.of(1, 0),
    },
    loss: classes,
  },
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
    spec: {
      pixelValues: { shape: [2, 3, 32, 32], dtype: 'float32' },
      labels: { shape: [2], dtype: 'int32' },
    },
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

async function stored(name: string, task: Task): Promise<Model> {
  const { config, weights } = await openCheckpoint(checkpointFolder(name as CheckpointName));
  const heads = task === 'causal-lm' ? new Map() : initialiseHeads(task, config, weights, 1);
  return modelFor(task, config, new Map([...weights, ...heads]));
}

async function trainable(name: string, method: string): Promise<TrainableModel> {
  const { task } = MODELS[name]!;
  const model =
    name === 'small' ? modelFor(task, SMALL, initialiseModel(task, SMALL, 1)) : await stored(name, task);
  if (method === 'full') return trainAll(model);
  if (method === 'head') return trainHead(model);
  const chosen = methodNamed(method).configure({
    taskType: task === 'causal-lm' ? 'CAUSAL_LM' : 'SEQ_CLS',
    targetModules: 'all-linear',
    ...(name === 'small' ? { r: 4 } : {}),
  });
  return getPeftModel(model, chosen, { seed: 1 });
}

async function stepOf(
  name: string,
  model: TrainableModel,
  executor: Executor,
  sessionEntries: Readonly<Record<string, string>> = {},
) {
  const { spec, loss } = MODELS[name]!;
  const vector = new ParameterVector(model.parameters);
  return { vector, step: await compileTrainStep(model, vector, loss, spec, { executor, sessionEntries }) };
}

/** Losses and gradients of a few steps of AdamW, with dropout where the model has it. */
async function trained(name: string, method: string, executor: Executor, steps: number) {
  const { vector, step } = await stepOf(name, await trainable(name, method), executor);
  const adamw = new AdamW(vector.size);
  const losses: number[] = [];
  const gradients: Float32Array[] = [];
  for (let i = 0; i < steps; i++) {
    const { loss, gradient } = await step.run(vector.values, MODELS[name]!.inputs, dropoutStep(1, i));
    losses.push(loss);
    gradients.push(Float32Array.from(gradient));
    adamw.update(vector.values, gradient, vector.ranges, () => 1e-3);
  }
  await step.program.dispose();
  return { losses, gradients, ranges: vector.ranges };
}

describe.skipIf(problem !== undefined)(inWebgpu('WebGPU', problem), () => {
  let kept: Program;
  beforeAll(async () => {
    // A session that stays open keeps the device and its compiled shaders.
    const inputs = { x: { shape: [1], dtype: 'float32' } } as const;
    kept = await compile(({ x }) => ({ y: tf.neg(x!) }), { inputs }, { executor: 'webgpu' });
  });
  afterAll(() => kept.dispose());

  const methods = [...Object.keys(METHODS), 'full', 'head'];
  const models = ['deberta-tiny', 'vit-tiny', 'llama-tiny'];
  // A language model has no head of its own to train.
  const pairs = models.flatMap((name) =>
    methods.flatMap((method) =>
      name === 'llama-tiny' && method === 'head' ? [] : [[name, method] as const],
    ),
  );
  const isShort = ([name, method]: readonly [string, string]) => method === 'psoft' || name === 'vit-tiny';

  test.each(pairs.filter((pair) => ALL_OF_WEBGPU || isShort(pair)))(
    '%s, %s: no operator of a step runs on the CPU',
    async (name, method) => {
      const { step } = await stepOf(name, await trainable(name, method), 'webgpu', NOTHING_ON_THE_CPU);
      expect(step.program.stats.onnxNodes).toBeGreaterThan(100);
      await step.program.dispose();
    },
  );

  test.each([['small', 'psoft'] as const, ...(ALL_OF_WEBGPU ? pairs : [])])(
    '%s, %s: losses and gradients of steps are the CPU’s',
    async (name, method) => {
      const cpu = await trained(name, method, 'cpu', 3);
      const webgpu = await trained(name, method, 'webgpu', 3);
      cpu.losses.forEach((loss, i) => {
        // float32 sums in another order, and values that earlier steps moved by them.
        expect(Math.abs(webgpu.losses[i]! - loss), `loss of step ${i + 1}`).toBeLessThan(
          1e-4 * Math.max(1, loss),
        );
      });
      const [expected, actual] = [cpu.gradients[0]!, webgpu.gradients[0]!];
      const largestOf = (values: Float32Array) =>
        values.reduce((max, one) => Math.max(max, Math.abs(one)), 0);
      const largest = largestOf(expected);
      expect(largest).toBeGreaterThan(1e-4);
      for (const { name, offset, size } of cpu.ranges) {
        const own = (values: Float32Array) => values.subarray(offset, offset + size);
        const off = largestOf(own(expected).map((one, i) => one - own(actual)[i]!));
        // Each group by itself, or beside the whole where it is next to nothing: an adapter hides behind a head.
        expect(off / Math.max(largestOf(own(expected)), 1e-4 * largest), name).toBeLessThan(1e-3);
      }
    },
  );

  test.skipIf(!ALL_OF_WEBGPU)('a language model says what it says on the CPU', async () => {
    const model = await trainSelected(await stored('llama-tiny', 'causal-lm'), () => undefined);
    const prompts = [Int32Array.of(5, 9, 100, 33), Int32Array.of(77, 300, 12, 8, 90)];
    const said = [];
    for (const executor of ['cpu', 'webgpu'] as const) {
      const generator = new Generator(model, {
        strategy: { kind: 'greedy' },
        maxNewTokens: 8,
        eosIds: [1022],
        padId: 0,
        batchSize: 2,
        promptBuckets: [8],
        executor,
      });
      said.push((await generator.generate(prompts)).map(({ ids }) => [...ids]));
      await generator.dispose();
    }
    expect(said[0]!.flat()).toHaveLength(16);
    expect(said[1]).toEqual(said[0]);
  });

  test('an operator without a kernel there would be found', async () => {
    const fn = ({ x }: Record<string, Tensor>) => ({ y: tf.argMax(x!, 0) as Tensor });
    const inputs = { x: { shape: [3], dtype: 'float32' } } as const;
    const made = compile(fn, { inputs }, { executor: 'webgpu', sessionEntries: NOTHING_ON_THE_CPU });
    await expect(made).rejects.toThrow(/assigned to the default CPU EP/);
  });
});
