/** Turns a plain model into something to train: chosen weights become parameters, the rest stays frozen. */
import {
  isOutline,
  type Model,
  type Parameter,
  plainScope,
  readWeight,
  type TrainableModel,
  type WeightSource,
} from '@psoft/engine';

/** Which weights are trained, and in which learning-rate group; undefined leaves a weight frozen. */
export type Selection = (weight: string) => Parameter['group'] | undefined;

/** Whether `weight` belongs to one of the model's head modules ("classifier.weight" to "classifier"). */
export function isHeadWeight(model: Model, weight: string): boolean {
  return model.headModules.some((module) => weight === module || weight.startsWith(`${module}.`));
}

/** Head only (linear probing with the pooler): everything that was pre-trained stays frozen. */
export function trainHead(model: Model): Promise<TrainableModel> {
  return trainSelected(model, (name) => (isHeadWeight(model, name) ? 'head' : undefined));
}

/** Every weight is trained: pre-training, or full fine-tuning. */
export function trainAll(model: Model): Promise<TrainableModel> {
  return trainSelected(model, (name) => (isHeadWeight(model, name) ? 'head' : 'base'));
}

/** Nothing of it is trained: a model to evaluate or to generate with. */
export function freeze(model: Model): Promise<TrainableModel> {
  return trainSelected(model, () => undefined);
}

export async function trainSelected(model: Model, select: Selection): Promise<TrainableModel> {
  const parameters: Parameter[] = [];
  const weights = new Map<string, WeightSource>();
  for (const [name, source] of model.weights) {
    const group = select(name);
    if (group === undefined) weights.set(name, source);
    else
      parameters.push({
        name,
        shape: source.shape,
        group,
        data: isOutline(source) ? await readWeight(source) : Float32Array.from(await readWeight(source)),
      });
  }
  const withBias = new Set(model.linears.filter(({ hasBias }) => hasBias).map(({ name }) => name));
  return {
    base: model,
    weights,
    parameters,
    forward: (bindings, inputs) =>
      model.forward(
        plainScope(bindings, (module) => withBias.has(module)),
        inputs,
      ),
  };
}

/** Trainable numbers, by learning-rate group. */
export function countParameters(model: TrainableModel, group?: Parameter['group']): number {
  return model.parameters
    .filter((parameter) => group === undefined || parameter.group === group)
    .reduce((sum, { data }) => sum + data.length, 0);
}
