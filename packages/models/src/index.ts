export { ModelConfigError } from './configReader.ts';
export {
  type DebertaConfig,
  debertaForMaskedLM,
  debertaForSequenceClassification,
  parseDebertaConfig,
} from './deberta/index.ts';
export { cacheNames } from './decoder/pass.ts';
export { type LlamaConfig, llamaForCausalLM, parseLlamaConfig } from './llama/index.ts';
export { crossEntropy, meanSquaredError } from './losses.ts';
export { type OptConfig, optForCausalLM, parseOptConfig } from './opt/index.ts';
export { ModelWeightsError } from './parameters.ts';
export { initialiseHeads, initialiseModel, modelFor, outlineModel } from './registry.ts';
export { TASKS, type Task } from './tasks.ts';
export { imageTokens, parseVitConfig, type VitConfig, vitForImageClassification } from './vit/index.ts';
