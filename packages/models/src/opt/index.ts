export { type OptConfig, parseOptConfig } from './config.ts';
export { optForCausalLM } from './models.ts';
