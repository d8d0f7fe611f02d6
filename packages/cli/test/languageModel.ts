/** A small Llama with random weights and the tiny Llama's tokenizer: fast, and it says nothing that makes sense. */
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeSafetensors } from '@psoft/engine';
import { initialiseModel } from '@psoft/models';

const TINY = fileURLToPath(new URL('../../tiny-models/checkpoints/llama-tiny', import.meta.url));
const TOKENIZER = ['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json'];

/** @param size of the tokenizer's vocabulary, at least */
export async function writeLanguageModel(folder: string, size = 1024): Promise<string> {
  const config = {
    model_type: 'llama',
    architectures: ['LlamaForCausalLM'],
    vocab_size: size,
    hidden_size: 32,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    num_key_value_heads: 1,
    intermediate_size: 64,
    hidden_act: 'silu',
    rms_norm_eps: 1e-5,
    rope_theta: 10000,
    max_position_embeddings: 512,
    tie_word_embeddings: true,
    initializer_range: 0.3,
  };
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'config.json'), JSON.stringify(config));
  await writeSafetensors(path.join(folder, 'model.safetensors'), initialiseModel('causal-lm', config, 7));
  for (const name of TOKENIZER) {
    const file = path.join(TINY, name);
    if (existsSync(file)) copyFileSync(file, path.join(folder, name));
  }
  return folder;
}
