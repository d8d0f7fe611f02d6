/** One adapter on a model: its settings, its layers and its trained head. */
import { type Model, type Parameter, readWeight } from '@psoft/engine';
import type { AdapterConfig } from './config.ts';
import type { AdapterLayers, AdapterMethod, InitialiseOptions } from './method.ts';
import { methodNamed } from './registry.ts';
import { findTargets, isWithin, savedModules } from './target.ts';

export interface PeftOptions extends Partial<InitialiseOptions> {}

export interface InstalledAdapter {
  readonly config: AdapterConfig;
  readonly method: AdapterMethod;
  readonly layers: AdapterLayers;
  /** Head modules' parameters, by checkpoint name. */
  readonly heads: readonly Parameter[];
}

/**
 * Chooses the target modules, initialises the adapter, makes the head trainable.
 * @throws AdapterConfigError or AdapterError when settings and model do not fit
 */
export async function installAdapter(
  model: Model,
  config: AdapterConfig,
  options: PeftOptions = {},
): Promise<InstalledAdapter> {
  const method = methodNamed(config.method);
  const targets = findTargets(model, config);
  const layers = await method.create(targets, config, { seed: 0, ...options });
  return { config, method, layers, heads: await headParameters(model, savedModules(model, config)) };
}

/** Trainable copies of the weights of whole modules. */
async function headParameters(model: Model, modules: readonly string[]): Promise<Parameter[]> {
  const parameters: Parameter[] = [];
  for (const [name, source] of model.weights)
    if (modules.some((module) => isWithin(name, module)))
      parameters.push({
        name,
        shape: source.shape,
        group: 'head',
        data: Float32Array.from(await readWeight(source)),
      });
  return parameters;
}
