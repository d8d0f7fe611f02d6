/** Which modules of a model get an adapter, and which are trained whole: PEFT's rules. */
import type { Model } from '@psoft/engine';
import type { AdapterConfig } from './config.ts';
import { AdapterConfigError, AdapterError, shown } from './errors.ts';
import type { Target } from './method.ts';
import { suggestion } from './nearest.ts';
import { matchesOf } from './pattern.ts';

/** What targetModules means when it is left out, by model_type: PEFT's table for the architectures at hand. */
const DEFAULT_TARGETS: Readonly<Record<string, readonly string[]>> = {
  'deberta-v2': ['query_proj', 'value_proj'],
  vit: ['query', 'value'],
  llama: ['q_proj', 'v_proj'],
  opt: ['q_proj', 'v_proj'],
};

/** The name that stands for every linear module except those trained whole. */
export const ALL_LINEAR = 'all-linear';

/** Modules trained whole: the model's own head, as PEFT does it for classification, and `modulesToSave`. */
export function savedModules(model: Model, { modulesToSave = [] }: AdapterConfig): string[] {
  for (const name of modulesToSave)
    if (!weightNames(model).some((weight) => isWithin(weight, name)))
      throw new AdapterConfigError(
        `modulesToSave: no module "${name}" in ${model.architecture}${suggestion(name, modulePaths(model))}`,
      );
  return [...new Set([...model.headModules, ...modulesToSave])];
}

/** Whether `path` ("deberta.pooler.dense.weight") lies in a module called `name` ("pooler"). */
export function isWithin(path: string, name: string): boolean {
  return `.${path}.`.includes(`.${name}.`);
}

/**
 * The linear modules to adapt, in forward order.
 * @throws AdapterConfigError for names that no module has, and when nothing is left to adapt
 */
export function findTargets(model: Model, config: AdapterConfig): Target[] {
  const wanted = config.targetModules ?? defaultTargets(model);
  const linears = model.linears.map(({ name }) => name);
  const isTarget = matcher(wanted, 'targetModules', linears);
  const isExcluded = matcher(config.excludeModules ?? [], 'excludeModules', linears);
  const isLayer = layerFilter(config, linears);
  const saved = savedModules(model, config);
  checkKnown(wanted, 'targetModules', linears);
  checkKnown(config.excludeModules ?? [], 'excludeModules', linears);
  const targets = model.linears.filter(
    ({ name }) =>
      (wanted === ALL_LINEAR || isTarget(name)) &&
      !isExcluded(name) &&
      !saved.some((module) => isWithin(name, module)) &&
      isLayer(name),
  );
  if (targets.length === 0)
    throw new AdapterConfigError(
      `no module to adapt: targetModules ${shown(wanted)} leaves none of the ${linears.length} linear modules of ` +
        `${model.architecture} after excludeModules, modulesToSave (${saved.join(', ') || 'none'}) and layersToTransform`,
    );
  return targets.map((target) => {
    const weight = model.weights.get(`${target.name}.weight`);
    if (weight === undefined)
      throw new AdapterError(
        `${model.architecture} lists the linear module "${target.name}" but has no weight for it`,
      );
    return { ...target, weight };
  });
}

function defaultTargets(model: Model): readonly string[] {
  const type = model.config.model_type;
  if (typeof type === 'string' && Object.hasOwn(DEFAULT_TARGETS, type)) return DEFAULT_TARGETS[type]!;
  throw new AdapterConfigError(
    `targetModules is left out and there is no default for model_type ${shown(type)}: name the modules, or "${ALL_LINEAR}"`,
  );
}

/** A string is a regular expression that must match the whole name; a list holds names or their last parts. */
function matcher(
  names: string | readonly string[],
  setting: string,
  modules: readonly string[],
): (module: string) => boolean {
  if (typeof names !== 'string')
    return (module) => names.some((name) => module === name || module.endsWith(`.${name}`));
  if (names === ALL_LINEAR) return () => false;
  const pattern = { setting, given: names, source: `^((?:${names}))$`, flags: 'u' };
  const matched = matchesOf(pattern, modules);
  return (module) => matched.has(module);
}

/** Every name of a list must be some linear module's: a misspelt one would silently train less. */
function checkKnown(names: string | readonly string[], setting: string, linears: readonly string[]): void {
  if (typeof names === 'string') return;
  for (const name of names)
    if (!linears.some((module) => module === name || module.endsWith(`.${name}`)))
      throw new AdapterConfigError(
        `${setting}: no linear module is named "${name}" or ends in ".${name}"${suggestion(name, suffixes(linears))}`,
      );
}

/** Which modules `layersToTransform` keeps. The first number in the path is the layer's index, as in PEFT. */
function layerFilter(
  { layersToTransform, layersPattern = [] }: AdapterConfig,
  modules: readonly string[],
): (module: string) => boolean {
  if (layersToTransform === undefined) return () => true;
  const indices: readonly number[] =
    typeof layersToTransform === 'number' ? [layersToTransform] : layersToTransform;
  if (indices.length === 0) return () => true;
  const lists = typeof layersPattern === 'string' ? [layersPattern] : layersPattern;
  const named = lists.filter((name) => name.length > 0);
  const pattern = (given: string, source: string) => ({ setting: 'layersPattern', given, source });
  const patterns =
    named.length === 0
      ? [pattern('', '^.*?\\.[^.]*\\.(\\d+)\\.')]
      : lists.map((name) => pattern(name, `^(?:|.*?\\.)(?:${name})\\.(\\d+)\\.`));
  const matched = patterns.map((one) => matchesOf(one, modules));
  return (module) => {
    const index = matched.map((found) => found.get(module)).find((one) => one !== undefined);
    return index !== undefined && indices.includes(Number(index));
  };
}

/** Names and last parts that a list may hold. */
function suffixes(paths: readonly string[]): Set<string> {
  const known = new Set<string>();
  for (const path of paths) {
    const parts = path.split('.');
    known.add(parts.at(-1)!);
    if (!/^\d+$/.test(parts.at(-2) ?? '')) known.add(parts.slice(-2).join('.'));
    known.add(path);
  }
  return known;
}

function weightNames(model: Model): string[] {
  return [...model.weights.keys()];
}

function modulePaths(model: Model): Set<string> {
  return suffixes(
    weightNames(model)
      .map((name) => name.split('.').slice(0, -1).join('.'))
      .filter((path) => path !== ''),
  );
}
