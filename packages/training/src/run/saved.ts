/** What a finished run leaves to use: its trained values, and what it takes to put them to work. */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { PeftModel } from '@psoft/adapter';
import {
  openCheckpoint,
  readSafetensorsHeader,
  type TrainableModel,
  type WeightSource,
  writeSafetensors,
} from '@psoft/engine';
import { modelFor } from '@psoft/models';
import { writeAtomically } from '@psoft/results';
import { freeze } from '../trainable.ts';
import { ConfigError, type RunConfig } from './config.ts';
import { kindOf } from './kinds/index.ts';
import { openModel, type PreparedRun } from './prepare.ts';
import { checkRunConfig, readJsonObject } from './readJson.ts';
import { type LocalModel, localModel, type SourceHooks, taskOf } from './sources.ts';

const RUN_FILE = 'run.json';
const HEAD_FILE = 'head.safetensors';

/** @returns the adapter's folder, where the method is one */
export async function saveTrained(
  { config, method: { peft, model: trained }, model }: PreparedRun,
  runFolder: string,
): Promise<string | undefined> {
  await mkdir(runFolder, { recursive: true });
  // Last: with it the folder counts as whole.
  const seal = () => writeAtomically(path.join(runFolder, RUN_FILE), `${JSON.stringify(config, null, 2)}\n`);
  if (peft !== undefined) {
    const folder = path.join(runFolder, 'adapter');
    await mkdir(folder, { recursive: true });
    await peft.savePretrained(folder);
    await seal();
    return folder;
  }
  const values = new Map<string, WeightSource>(
    trained.parameters.map(({ name, data, shape }) => [name, { kind: 'data', data, shape }]),
  );
  const metadata = { format: 'pt' };
  if (trained.weights.size > 0) {
    await writeSafetensors(path.join(runFolder, HEAD_FILE), values, { metadata });
    await seal();
    return undefined;
  }
  const folder = path.join(runFolder, 'model');
  await mkdir(folder, { recursive: true });
  await writeSafetensors(path.join(folder, 'model.safetensors'), values, { metadata });
  await writeFile(path.join(folder, 'config.json'), `${JSON.stringify(model.config, null, 2)}\n`);
  await seal();
  return undefined;
}

/** Whether a folder holds all of a finished run. */
export const isSaved = (runFolder: string): boolean => existsSync(path.join(runFolder, RUN_FILE));

export interface SavedRun {
  readonly config: RunConfig;
  readonly model: TrainableModel;
  /** What turns examples into the model's inputs: a tokenizer, an image processor. */
  readonly reader: unknown;
  /** The base model. */
  readonly base: LocalModel;
}

/**
 * A finished run's model with its trained values.
 * @param folder of the run, or of the adapter in it
 * @param modelFolder the base model, where it has moved since
 * @throws ConfigError where the folder is none of a finished run
 */
export async function loadRun(folder: string, hooks: SourceHooks, modelFolder?: string): Promise<SavedRun> {
  const runFolder = existsSync(path.join(folder, RUN_FILE)) ? folder : path.dirname(path.resolve(folder));
  const runFile = path.join(runFolder, RUN_FILE);
  if (!existsSync(runFile))
    throw new ConfigError(
      `${folder} holds no finished run: a run's folder has ${RUN_FILE} and its trained values (runs/PROFILE/EXPERIMENT/TASK/...)`,
    );
  const config = checkRunConfig(await readJsonObject(runFile), runFile);
  const source = modelFolder === undefined ? config.model : { name: config.model.name, folder: modelFolder };
  const base = await localModel({ model: source }, hooks);
  const definition = taskOf(config);
  const { modelTask, openReader } = kindOf(definition);

  const whole = path.join(runFolder, 'model');
  if (existsSync(whole)) {
    const { config: raw, weights } = await openCheckpoint(whole);
    const model = modelFor(modelTask, { ...raw }, weights);
    return { config, model: await freeze(model), reader: await openReader(base.folder), base };
  }
  const { model, reader } = await openModel(base.folder, definition, config.seed);
  const adapter = path.join(runFolder, 'adapter');
  if (existsSync(adapter))
    return { config, model: await PeftModel.fromPretrained(model, adapter), reader, base };
  const { tensors } = await readSafetensorsHeader(path.join(runFolder, HEAD_FILE));
  const weights = new Map<string, WeightSource>([...model.weights, ...tensors]);
  const trained = modelFor(modelTask, { ...model.config }, weights);
  return { config, model: await freeze(trained), reader, base };
}
