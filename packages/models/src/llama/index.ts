export { type LlamaConfig, parseLlamaConfig } from './config.ts';
export { llamaForCausalLM } from './models.ts';
