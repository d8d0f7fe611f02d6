/** Model architectures by the `model_type` of config.json. A new one is one line of `architectures`. */
import type { Model, WeightData, WeightSource } from '@psoft/engine';
import { shown } from '@psoft/engine/errors';
import { ModelConfigError } from './configReader.ts';
import { parseDebertaConfig } from './deberta/config.ts';
import { debertaForMaskedLM, debertaForSequenceClassification } from './deberta/index.ts';
import { debertaParameters } from './deberta/parameters.ts';
import { parseLlamaConfig } from './llama/config.ts';
import { llamaForCausalLM } from './llama/index.ts';
import { llamaParameters } from './llama/parameters.ts';
import { parseOptConfig } from './opt/config.ts';
import { optForCausalLM } from './opt/index.ts';
import { optParameters } from './opt/parameters.ts';
import type { ParameterList } from './parameters.ts';
import { TASKS, type Task } from './tasks.ts';
import { parseVitConfig } from './vit/config.ts';
import { vitForImageClassification } from './vit/index.ts';
import { vitParameters } from './vit/parameters.ts';

type RawConfig = Record<string, unknown>;
type Weights = ReadonlyMap<string, WeightSource>;
type Build = (config: RawConfig, weights: Weights) => Model;

interface Architecture {
  /** By task; an architecture need not have all. */
  readonly build: Partial<Record<Task, Build>>;
  /** What the model for a task reads, and how a new one starts. */
  parameters(task: Task, config: RawConfig): ParameterList;
}

const vit: Architecture = {
  build: { 'image-classification': vitForImageClassification },
  parameters: (_, config) => vitParameters(parseVitConfig(config)),
};

const architectures: Readonly<Record<string, Architecture>> = {
  'deberta-v2': {
    build: {
      'sequence-classification': debertaForSequenceClassification,
      'masked-lm': debertaForMaskedLM,
    },
    parameters: (task, config) => debertaParameters(parseDebertaConfig(config), task),
  },
  vit,
  dinov2: vit,
  llama: {
    build: { 'causal-lm': llamaForCausalLM },
    parameters: (_, config) => llamaParameters(parseLlamaConfig(config)),
  },
  opt: {
    build: { 'causal-lm': optForCausalLM },
    parameters: (_, config) => optParameters(parseOptConfig(config)),
  },
};

/**
 * The model that config.json describes, with the head for `task`.
 * @param config the parsed config.json
 * @param weights by checkpoint name; others than the model's are passed over
 * @throws ModelConfigError for an unsupported type or setting, or a task that the type is not for; ModelWeightsError
 *   for missing or misshapen weights
 */
export function modelFor(task: Task, config: RawConfig, weights: Weights): Model {
  return architectureOf(task, config).build[task]!(config, weights);
}

/**
 * New values for those head weights that `weights` lacks, by name: normal(0, initializer_range) weights and zero
 * biases, as in transformers. Decided by the seed alone; hand both maps, merged, to {@link modelFor}.
 */
export function initialiseHeads(
  task: Task,
  config: RawConfig,
  weights: Weights,
  seed: number,
): Map<string, WeightData> {
  const list = architectureOf(task, config).parameters(task, config);
  return list.initialise(seed, (name) => list.isHead(name) && !weights.has(name));
}

/**
 * New values for every weight of the model, by name: the start of pre-training. Decided by the seed alone. transformers
 * cuts the normal distribution of some at plus and minus 2, a hundred standard deviations with the usual
 * initializer_range: it is not cut here.
 */
export function initialiseModel(task: Task, config: RawConfig, seed: number): Map<string, WeightData> {
  return architectureOf(task, config)
    .parameters(task, config)
    .initialise(seed, () => true, Number.POSITIVE_INFINITY);
}

/**
 * The model that config.json describes, with the shapes of its weights alone: it can be adapted and traced, and costs
 * no memory. For plans.
 * @throws ModelConfigError as {@link modelFor}
 */
export function outlineModel(task: Task, config: RawConfig): Model {
  const { build, parameters } = architectureOf(task, config);
  return build[task]!(config, parameters(task, config).outline());
}

function architectureOf(task: Task, config: RawConfig): Architecture {
  if (!TASKS.includes(task)) throw new ModelConfigError(`unknown task "${task}", known: ${TASKS.join(', ')}`);
  const type = config.model_type;
  if (typeof type !== 'string' || !Object.hasOwn(architectures, type)) {
    const known = Object.keys(architectures).join(', ');
    throw new ModelConfigError(`config: model_type is ${shown(type)}, supported: ${known}`);
  }
  const architecture = architectures[type]!;
  if (architecture.build[task] === undefined) {
    const tasks = Object.keys(architecture.build).join(', ');
    throw new ModelConfigError(`config: model_type "${type}" has no model for ${task}, it has: ${tasks}`);
  }
  return architecture;
}
