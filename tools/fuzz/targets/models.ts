/** What says how a model is built: config.json of every family, and GGUF files. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { openCheckpoint, type WeightSource } from '../../../packages/engine/src/weights/index.ts';
import { importGguf } from '../../../packages/models/src/gguf/index.ts';
import {
  initialiseHeads,
  modelFor,
  outlineModel,
  TASKS,
  type Task,
} from '../../../packages/models/src/index.ts';
import { filesOf, repositoryFile, withChanged } from '../files.ts';
import { type GgufParts, ggufOf, ggufParts, mutateGguf } from '../formats/gguf.ts';
import { putTogether } from '../formats/safetensors.ts';
import { mutateBytes } from '../mutate/bytes.ts';
import { mutateJson } from '../mutate/json.ts';
import { expectThat, type Target } from '../target.ts';

const CONFIG_WORDS = [
  ...[
    'hidden_size',
    'num_hidden_layers',
    'num_attention_heads',
    'intermediate_size',
    'vocab_size',
    'id2label',
    'num_labels',
  ],
  ...[
    'hidden_act',
    'gelu',
    'silu',
    'model_type',
    'llama',
    'opt',
    'vit',
    'dinov2',
    'deberta-v2',
    'rope_scaling',
    'rope_type',
  ],
  ...[
    'llama3',
    'linear',
    'dynamic',
    'factor',
    'head_dim',
    'num_key_value_heads',
    'pos_att_type',
    'c2p|p2c',
    'norm_rel_ebd',
  ],
  ...[
    'image_size',
    'patch_size',
    'use_swiglu_ffn',
    'mlp_ratio',
    'max_position_embeddings',
    'position_buckets',
    'ffn_dim',
  ],
  ...[
    'word_embed_proj_dim',
    'tie_word_embeddings',
    'rope_theta',
    'rms_norm_eps',
    'initializer_range',
    'layer_norm_eps',
  ],
];

export const config: Target = {
  name: 'config',
  async seeds() {
    const names = ['deberta-tiny', 'llama-tiny', 'opt-tiny', 'vit-tiny'];
    const files = await Promise.all(
      names.map((name) => repositoryFile(`packages/tiny-models/checkpoints/${name}/config.json`)),
    );
    const more = [
      '{"model_type":"dinov2","hidden_size":8,"num_attention_heads":2,"num_hidden_layers":1,"image_size":28,"patch_size":14}',
      '{"model_type":"llama","hidden_size":8,"num_attention_heads":2,"num_hidden_layers":1,"vocab_size":9,"intermediate_size":12,"rope_scaling":{"rope_type":"llama3","factor":8,"low_freq_factor":1,"high_freq_factor":4,"original_max_position_embeddings":32}}',
    ];
    const weights = putTogether({ header: '{}', data: Buffer.alloc(0) });
    return [...files, ...more].map((text) => filesOf({ 'config.json': text, 'model.safetensors': weights }));
  },
  mutate: (files, random) =>
    new Map(files).set(
      'config.json',
      Buffer.from(mutateJson(String(files.get('config.json')), random, CONFIG_WORDS)),
    ),
  async read(folder) {
    const { config: raw, weights } = await openCheckpoint(folder);
    const failures: unknown[] = [];
    // What a plan of memory does, and what opening a model for training does.
    for (const task of TASKS as readonly Task[]) {
      const open = () => {
        outlineModel(task, { ...raw });
        const heads = initialiseHeads(task, { ...raw }, weights, 1);
        modelFor(task, { ...raw }, new Map<string, WeightSource>([...weights, ...heads]));
      };
      try {
        open();
      } catch (error) {
        failures.push(error);
      }
    }
    // No family is for all tasks: the first that is worse than a refusal, or any.
    const isUsual = (error: unknown) => /^Model(Config|Weights)Error$/.test((error as Error).name);
    const isOfOtherTask = (error: unknown) => (error as Error).message.includes('has no model for');
    throw (
      failures.find((error) => !isUsual(error)) ??
      failures.find((error) => !isOfOtherTask(error)) ??
      failures.at(-1)
    );
  },
  // They are about config.json, and begin so.
  places: ['config: ', 'weights do not fit the model'],
};

export const gguf: Target = {
  name: 'gguf',
  async seeds() {
    const names = readdirSync(path.join(import.meta.dirname, '../../../packages/models/test/fixtures/gguf'));
    const files = await Promise.all(
      names
        .filter((name) => name.endsWith('.gguf'))
        .map((name) => repositoryFile(`packages/models/test/fixtures/gguf/${name}`)),
    );
    return files.map((file) => filesOf({ 'model.gguf': file }));
  },
  mutate: (files, random, other) =>
    withChanged(files, random, (name, content) => {
      const parts: GgufParts | undefined = random.chance(0.15) ? undefined : ggufParts(content);
      return parts === undefined
        ? mutateBytes(content, random, other.get(name) ?? content)
        : ggufOf(mutateGguf(parts, random));
    }),
  async read(folder, files) {
    const out = path.join(folder, 'out');
    const written = await importGguf(path.join(folder, 'model.gguf'), { out });
    expectThat(
      readdirSync(folder).length === files.size + 1,
      'nothing is written beside the folder of the model',
    );
    expectThat(readdirSync(out).length === written.files.length, 'nothing is written but what is said');
    const { config: raw, weights } = await openCheckpoint(out);
    modelFor('causal-lm', { ...raw }, weights);
  },
};
