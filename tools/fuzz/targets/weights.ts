/** Checkpoint files: safetensors, torch's, folders of both. */
import { statSync } from 'node:fs';
import path from 'node:path';
import {
  fingerprintWeights,
  openCheckpoint,
  readSafetensorsHeader,
  readTorchFile,
  readWeight,
  type SafetensorsFile,
  type StoredWeight,
} from '../../../packages/engine/src/weights/index.ts';
import { filesOf, repositoryFile, repositoryFolder, withChanged } from '../files.ts';
import { mutatePickle } from '../formats/pickle.ts';
import { putTogether, takeApart } from '../formats/safetensors.ts';
import { unzipped, zipOf } from '../formats/zip.ts';
import { mutateBytes } from '../mutate/bytes.ts';
import { mutateJson } from '../mutate/json.ts';
import type { Random } from '../random.ts';
import { expectThat, type Files, type Target } from '../target.ts';

const WORDS = [
  ...[
    'dtype',
    'shape',
    'data_offsets',
    '__metadata__',
    'F32',
    'F16',
    'BF16',
    'U8',
    'I64',
    'BOOL',
    'F4',
    'F6_E2M3',
  ],
  ...[
    'weight_map',
    'metadata',
    'quantization_config',
    'quant_method',
    'psoft',
    'bits',
    'block_size',
    'scale_dtype',
  ],
  ...[
    'model.safetensors',
    '../model.safetensors',
    '/tmp/x.safetensors',
    '..\\x.safetensors',
    '.safetensors',
    'a\0.safetensors',
  ],
  ...[
    'w.packed',
    'w.scales',
    'w.zero_points',
    'model_type',
    'NUL.safetensors',
    `${'n'.repeat(5000)}.safetensors`,
  ],
];

export function mutateSafetensors(
  bytes: Uint8Array,
  random: Random,
  other: Uint8Array,
  words = WORDS,
): Uint8Array {
  const { header, data } = takeApart(bytes);
  if (header === '' || random.chance(0.2)) return mutateBytes(bytes, random, other);
  if (random.chance(0.15)) return putTogether({ header, data: mutateBytes(data, random) });
  return putTogether({ header: mutateJson(header, random, words), data });
}

/** Every weight lies in its file, has as many elements as its shape says, and can be read. */
async function readAll(weights: ReadonlyMap<string, StoredWeight>): Promise<void> {
  for (const [name, source] of weights) {
    const parts = source.kind === 'file' ? [source] : [source.packed, source.scales, source.zeroPoints];
    for (const { file, offset, byteLength } of parts) {
      const isCounted = [offset, byteLength].every((one) => Number.isSafeInteger(one) && one >= 0);
      expectThat(isCounted && offset + byteLength <= statSync(file).size, `${name} lies in its file`);
    }
    const values = await readWeight(source);
    const size = source.shape.reduce((product, length) => product * length, 1);
    expectThat(values.length === size, `${name} has ${size} elements, got ${values.length}`);
  }
  await fingerprintWeights(weights);
}

async function readListed(list: (file: string) => Promise<SafetensorsFile>, file: string): Promise<void> {
  await readAll((await list(file)).tensors);
}

export const safetensors: Target = {
  name: 'safetensors',
  async seeds() {
    const mixed = await repositoryFile('packages/engine/test/fixtures/weights/mixed.safetensors');
    const header = (value: unknown, length = 0) =>
      putTogether({ header: JSON.stringify(value), data: Buffer.alloc(length) });
    return [
      mixed,
      header({}),
      header(
        { __metadata__: { format: 'pt' }, a: { dtype: 'F32', shape: [2, 3], data_offsets: [0, 24] } },
        24,
      ),
      header(
        {
          a: { dtype: 'BF16', shape: [], data_offsets: [0, 2] },
          b: { dtype: 'F4', shape: [4], data_offsets: [2, 4] },
        },
        4,
      ),
      header({ a: { dtype: 'F16', shape: [0, 2 ** 53 - 1], data_offsets: [0, 0] } }),
    ].map((file) => filesOf({ 'model.safetensors': file }));
  },
  mutate: (files, random, other) =>
    withChanged(files, random, (name, content) =>
      mutateSafetensors(content, random, other.get(name) ?? content),
    ),
  read: (folder) => readListed(readSafetensorsHeader, path.join(folder, 'model.safetensors')),
};

function mutateTorch(bytes: Uint8Array, random: Random, other: Uint8Array): Uint8Array {
  const files = unzipped(bytes);
  const pickle = [...(files?.keys() ?? [])].find((name) => name.endsWith('data.pkl'));
  if (files === undefined || pickle === undefined || random.chance(0.2))
    return mutateBytes(bytes, random, other);
  if (random.chance(0.85)) files.set(pickle, mutatePickle(files.get(pickle)!, random));
  else {
    const name = random.pick([...files.keys()]);
    const content = files.get(name)!;
    if (random.chance(0.5)) files.delete(name);
    files.set(
      random.pick([name, 'a/../../x', '/etc/x', 'C:\\x', 'a/data/0', 'a/byteorder']),
      mutateBytes(content, random),
    );
  }
  return zipOf(files);
}

export const torch: Target = {
  name: 'torch',
  async seeds() {
    const folder = await repositoryFolder('packages/engine/test/fixtures/torch', (name) =>
      name.endsWith('.bin'),
    );
    return [...folder.values()].map((file) => filesOf({ 'pytorch_model.bin': file }));
  },
  mutate: (files, random, other) =>
    withChanged(files, random, (name, content) => mutateTorch(content, random, other.get(name) ?? content)),
  read: (folder) => readListed(readTorchFile, path.join(folder, 'pytorch_model.bin')),
};

/** A weight in 4 bits, as `psoft quantize` stores it. */
function quantized(): Files {
  const shapes = { packed: [2, 2, 16], scales: [2, 2], zero_points: [2, 1] };
  const header = {
    'w.packed': { dtype: 'U8', shape: shapes.packed, data_offsets: [0, 64] },
    'w.scales': { dtype: 'F16', shape: shapes.scales, data_offsets: [64, 72] },
    'w.zero_points': { dtype: 'U8', shape: shapes.zero_points, data_offsets: [72, 74] },
  };
  return filesOf({
    'config.json':
      '{"model_type":"toy","quantization_config":{"quant_method":"psoft","bits":4,"block_size":32}}',
    'model.safetensors': putTogether({ header: JSON.stringify(header), data: Buffer.alloc(74, 1) }),
  });
}

const plain = (name: string) =>
  putTogether({
    header: `{"${name}":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`,
    data: Buffer.alloc(8),
  });

export const checkpoint: Target = {
  name: 'checkpoint',
  async seeds() {
    const torchFile = await repositoryFile('packages/engine/test/fixtures/torch/state_dict.bin');
    return [
      quantized(),
      filesOf({ 'config.json': '{"model_type":"toy"}', 'model.safetensors': plain('a') }),
      filesOf({
        'config.json': '{}',
        'model.safetensors.index.json':
          '{"metadata":{},"weight_map":{"a":"1.safetensors","b":"2.safetensors"}}',
        '1.safetensors': plain('a'),
        '2.safetensors': plain('b'),
      }),
      filesOf({
        'config.json': '{}',
        'pytorch_model.bin.index.json': '{"weight_map":{"0.weight":"m.bin"}}',
        'm.bin': torchFile,
      }),
    ];
  },
  mutate: (files, random, other) => {
    if (random.chance(0.05)) {
      const rest = new Map(files);
      rest.delete(random.pick([...files.keys()]));
      return rest;
    }
    return withChanged(files, random, (name, content) => {
      if (name.endsWith('.json')) return mutateJson(Buffer.from(content).toString('utf8'), random, WORDS);
      const changed = name.endsWith('.bin') ? mutateTorch : mutateSafetensors;
      return changed(content, random, other.get(name) ?? content);
    });
  },
  read: async (folder) => readAll((await openCheckpoint(folder)).weights),
};
