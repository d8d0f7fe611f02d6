/** A finished run's model with its adapter folded in, as a model of its own in Hugging Face's layout. */
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { PeftModel, type SampleInputs } from '@psoft/adapter';
import {
  type CompileOptions,
  compile,
  type Model,
  openCheckpoint,
  RandomStream,
  type TrainableModel,
  writeSafetensors,
} from '@psoft/engine';
import { modelFor } from '@psoft/models';
import { ParameterVector, splitParameters } from '../parameters.ts';
import { lazyWeights } from '../programs.ts';
import { freeze } from '../trainable.ts';
import { ConfigError } from './config.ts';
import { type RunHooks, sourceHooks } from './execute.ts';
import { executionOptions } from './execution.ts';
import { kindOf } from './kinds/index.ts';
import type { ExecutionOptions } from './protocol.ts';
import { loadRun } from './saved.ts';
import { taskOf } from './sources.ts';

export interface MergeRunRequest extends ExecutionOptions {
  /** Of a finished run, or of the adapter in it. */
  readonly folder: string;
  /** The base model, where it lies elsewhere than in training. */
  readonly modelFolder?: string;
  readonly out: string;
  readonly dtype: 'f32' | 'bf16' | 'f16';
  /** Replaces a model that lies there. */
  readonly overwrite: boolean;
}

export interface MergeRunSummary {
  readonly modules: number;
  /** Of a weight, before rounding. */
  readonly largestChange: number;
  /** Largest difference of a logit: adapted and merged, and adapted and as written. */
  readonly mergeDrift: number;
  readonly storedDrift: number;
  readonly sampleTokens: number;
  readonly files: readonly string[];
  readonly bytes: number;
}

const DTYPES = { f32: 'F32', bf16: 'BF16', f16: 'F16' } as const;
const TORCH_DTYPES = { f32: 'float32', bf16: 'bfloat16', f16: 'float16' } as const;
/** What the adapter does not change: copied from the base model's folder where it is there. */
const BESIDE =
  /^(tokenizer.*|special_tokens_map\.json|added_tokens\.json|vocab\.(json|txt)|merges\.txt|spm\.model|generation_config\.json|preprocessor_config\.json|chat_template.*)$/;
const SAMPLE = { rows: 2, length: 16 };

/** @throws ConfigError for a run without an adapter, and a folder that is not empty */
export async function mergeRun(request: MergeRunRequest, hooks: RunHooks): Promise<MergeRunSummary> {
  const { folder, out, dtype, overwrite } = request;
  if (existsSync(out) && (await readdir(out)).length > 0 && !overwrite)
    throw new ConfigError(`${out} is not empty: give an empty folder, or --overwrite`);
  const { config, model, base } = await loadRun(folder, sourceHooks(hooks), request.modelFolder);
  if (!(model instanceof PeftModel))
    throw new ConfigError(`${folder} has no adapter to merge: the run trained ${config.method}`);
  const { modelTask } = kindOf(taskOf(config));
  const options = executionOptions(request);
  const inputs = sampleInputs(model.base);
  const before = await firstOutput(model, inputs, options);
  const report = await model.merge();
  const merged = await model.mergeAndUnload();
  const mergeDrift = largest(before, await firstOutput(await freeze(merged), inputs, options));

  if (path.resolve(base.folder) === path.resolve(out))
    throw new ConfigError(`${out} is the base model's own folder: give another`);
  await mkdir(out, { recursive: true });
  const files = await writeModel(merged, out, dtype);
  for (const name of (await readdir(base.folder)).filter((one) => BESIDE.test(one)).sort()) {
    await copyFile(path.join(base.folder, name), path.join(out, name));
    files.push(name);
  }
  const stored = await openCheckpoint(out);
  const reopened = modelFor(modelTask, { ...stored.config }, stored.weights);
  const storedDrift = largest(before, await firstOutput(await freeze(reopened), inputs, options));
  const sizes = await Promise.all(files.map(async (name) => (await stat(path.join(out, name))).size));
  return {
    modules: report.modules,
    largestChange: report.largestChange,
    mergeDrift,
    storedDrift,
    sampleTokens: SAMPLE.rows * SAMPLE.length,
    files,
    bytes: sizes.reduce((a, b) => a + b, 0),
  };
}

/** @returns the names of the files */
async function writeModel(model: Model, out: string, dtype: MergeRunRequest['dtype']): Promise<string[]> {
  const weights = path.join(out, 'model.safetensors');
  // Shards of a model that lay here would be read in place of the new file.
  await rm(path.join(out, 'model.safetensors.index.json'), { force: true });
  await writeSafetensors(weights, model.weights, { dtype: DTYPES[dtype], metadata: { format: 'pt' } });
  // A model is merged in float32: what was in 4 bits no longer is.
  const { torch_dtype: _, dtype: __, quantization_config: ___, ...config } = model.config;
  const written = { architectures: [model.architecture], ...config, torch_dtype: TORCH_DTYPES[dtype] };
  await writeFile(path.join(out, 'config.json'), `${JSON.stringify(written, null, 2)}\n`);
  return ['model.safetensors', 'config.json'];
}

/**
 * Random tokens, or pixels, of one small shape.
 * @throws ConfigError for a model whose inputs are not known here
 */
function sampleInputs({ config }: Model): SampleInputs {
  const rng = RandomStream.from(0, 'merge sample');
  const { rows, length } = SAMPLE;
  const vocabulary = config.vocab_size;
  if (typeof vocabulary !== 'number')
    throw new ConfigError(
      `merging is for models of text: config.json has no vocab_size (model_type ${config.model_type})`,
    );
  const ids = Int32Array.from({ length: rows * length }, () => rng.integer(vocabulary));
  return {
    inputIds: { data: ids, shape: [rows, length] },
    attentionMask: { data: new Float32Array(rows * length).fill(1), shape: [rows, length] },
  };
}

async function firstOutput(
  model: TrainableModel,
  inputs: SampleInputs,
  options: CompileOptions,
): Promise<Float32Array> {
  const vector = new ParameterVector(model.parameters);
  const specs = Object.fromEntries(
    Object.entries(inputs).map(([name, { data, shape }]) => [
      name,
      { shape, dtype: data instanceof Int32Array ? ('int32' as const) : ('float32' as const) },
    ]),
  );
  const program = await compile(
    ({ parameters, ...given }, weight) => {
      const bindings = {
        weights: lazyWeights(weight),
        parameters: parameters ? splitParameters(parameters, vector.ranges) : {},
      };
      const [first] = Object.values(model.forward(bindings, given));
      return { first: first! };
    },
    {
      inputs: {
        ...(vector.size > 0 ? { parameters: { shape: [vector.size], dtype: 'float32' as const } } : {}),
        ...specs,
      },
      weights: model.weights,
    },
    { name: 'merge', ...options },
  );
  try {
    const values = Object.fromEntries(Object.entries(inputs).map(([name, { data }]) => [name, data]));
    const parameters = vector.size > 0 ? { parameters: vector.values } : {};
    return (await program.run({ ...parameters, ...values })).first!.data as Float32Array;
  } finally {
    await program.dispose();
  }
}

function largest(one: Float32Array, other: Float32Array): number {
  let most = 0;
  for (let i = 0; i < one.length; i++) {
    const difference = Math.abs(one[i]! - other[i]!);
    // A NaN must not hide behind comparisons.
    if (!(difference <= most)) most = difference;
  }
  return most;
}
