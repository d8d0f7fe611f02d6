/** Saved adapters, of every method and of PEFT. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { AdapterConfig } from '../../../packages/adapter/src/config.ts';
import { loadAdapter } from '../../../packages/adapter/src/load.ts';
import { getPeftModel } from '../../../packages/adapter/src/peftModel.ts';
import type { AdapterMethod } from '../../../packages/adapter/src/method.ts';
import { METHODS } from '../../../packages/adapter/src/registry.ts';
import { toyModel } from '../../../packages/adapter/test/toy.ts';
import { readInput, repositoryFolder, withChanged } from '../files.ts';
import { mutateJson } from '../mutate/json.ts';
import { expectThat, type Files, type Target } from '../target.ts';
import { mutateSafetensors } from './weights.ts';

const WORDS = [
  ...[
    'r',
    'lora_alpha',
    'target_modules',
    'peft_type',
    'PSOFT',
    'LORA',
    'OFT',
    'BOFT',
    'VERA',
    'task_type',
    'SEQ_CLS',
  ],
  ...[
    'modules_to_save',
    'classifier',
    'all-linear',
    'query_proj',
    '(a+)+$',
    '(',
    'exclude_modules',
    'layers_to_transform',
  ],
  ...[
    'layers_pattern',
    'layer',
    'oft_block_size',
    'boft_n_butterfly_factor',
    'use_rslora',
    'bias',
    'fan_in_fan_out',
  ],
  ...[
    'rank_pattern',
    'alpha_pattern',
    'init_lora_weights',
    'use_dora',
    'psoft_svd',
    'ab_svd_init',
    'num_cayley_neumann_terms',
  ],
  ...[
    'vector_a',
    'base_model.model.',
    'F32',
    'data_offsets',
    'psoft_basis',
    'psoft_base',
    'version',
    'modules',
    'probes',
  ],
];

/** Settings of sizes, by the names that methods have for them. */
const SIZES = ['boftBlockSize', 'r', 'k'];

/** What each method saves of a small model. */
async function saved(): Promise<Files[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'psoft-fuzz-'));
  try {
    const all: Files[] = [];
    for (const [name, method] of Object.entries(METHODS)) {
      const size = SIZES.find((one) => Object.hasOwn(method.fields, one));
      const config = (method as unknown as AdapterMethod).configure({
        ...(size === undefined ? {} : { [size]: 4 }),
        targetModules: ['query_proj', 'output.dense'],
        modulesToSave: ['classifier'],
      });
      const peft = await getPeftModel(toyModel(), config as AdapterConfig);
      await mkdir(path.join(folder, name));
      await peft.savePretrained(path.join(folder, name));
      all.push(await readInput(path.join(folder, name)));
    }
    return all;
  } finally {
    await rm(folder, { recursive: true });
  }
}

export const adapter: Target = {
  name: 'adapter',
  async seeds() {
    const place = 'packages/adapter/test/fixtures';
    const fixtures = await Promise.all(
      ['peft', 'peft-adapters/lora-patterns', 'authors/exact'].map((name) =>
        repositoryFolder(`${place}/${name}`, (file) => file.startsWith('adapter_')),
      ),
    );
    return [...(await saved()), ...fixtures];
  },
  mutate: (files, random, other) =>
    withChanged(files, random, (name, content) =>
      name.endsWith('.json')
        ? mutateJson(String(content), random, WORDS)
        : mutateSafetensors(content, random, other.get(name) ?? content, WORDS),
    ),
  async read(folder) {
    const { layers } = await loadAdapter(toyModel(), folder);
    for (const [name, { shape, data }] of layers.state())
      expectThat(data.length === shape.reduce((a, b) => a * b, 1), `${name} fills its shape`);
  },
};
