export { type OptConfig, parseOptConfig } from './config.ts';
export { initialiseOpt, optForCausalLM } from './models.ts';
