export { type LlamaConfig, parseLlamaConfig } from './config.ts';
export { initialiseLlama, llamaForCausalLM } from './models.ts';
