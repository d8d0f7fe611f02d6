/** Brings a Llama from a GGUF file (llama.cpp's format) into a model folder of Hugging Face's layout. */
import { type FileHandle, mkdir, open, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { GGMLQuantizationType, type GGUFTensorInfo, gguf } from '@huggingface/gguf';
import { type WeightData, type WeightDtype, writeFileAtomically, writeSafetensors } from '@psoft/engine';
import { reasonOf } from '@psoft/engine/errors';
import { ModelConfigError } from '../configReader.ts';
import { byteLength, GGUF_TYPES, widen } from './blocks.ts';
import { checkHeader } from './header.ts';
import { llamaConfig, ROPE_FACTORS, type TensorPlan, tensorPlans, unpermute } from './llama.ts';
import { GgufError, Metadata } from './metadata.ts';
import { ggufTokenizer } from './tokenizer.ts';

export { GgufError } from './metadata.ts';

export interface GgufImportOptions {
  /** Folder of the model; one that lies there is replaced. */
  readonly out: string;
  /** How weights are stored. Default F32; 16 bits round what is stored finer. */
  readonly dtype?: WeightDtype;
  /** Weights of one file at most; all of them are in memory at once. Default 2^29, that is 2 GB. */
  readonly shardSize?: number;
  /** Told of every tensor: how many are done, of how many. */
  onTensor?(done: number, total: number): void;
}

export interface GgufImport {
  readonly parameters: number;
  /** How many tensors are stored how in the GGUF file. */
  readonly types: Readonly<Record<string, number>>;
  /** Written, in the folder. */
  readonly files: readonly string[];
}

const DEFAULT_SHARD = 2 ** 29;
const WEIGHT_FILE = /^(model|pytorch_model)\b.*\.(safetensors|bin|json)$/;
const TORCH_DTYPES = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' } as const;

/**
 * Writes config.json, safetensors (several files with an index where one would be too large), tokenizer.json and
 * tokenizer_config.json.
 * @throws GgufError for a file that is broken, or holds another architecture, quantisation or tokenizer
 */
export async function importGguf(file: string, options: GgufImportOptions): Promise<GgufImport> {
  const { out, dtype = 'F32', shardSize = DEFAULT_SHARD } = options;
  const source = await GgufSource.open(file);
  try {
    const ropeFactors = source.tensors.has(ROPE_FACTORS) ? await source.read(ROPE_FACTORS, [-1]) : undefined;
    const names = new Set(source.tensors.keys());
    const config = llamaConfig(source.metadata, names, ropeFactors);
    const plans = tensorPlans(config);
    source.check(plans);
    const { tokenizerJson, tokenizerConfig } = ggufTokenizer(source.metadata);
    await mkdir(out, { recursive: true });
    // Weights of another number of files would be taken for this model's.
    for (const name of await readdir(out)) if (WEIGHT_FILE.test(name)) await rm(path.join(out, name));
    const files = await writeWeights(source, plans, { ...options, dtype, shardSize });
    const json: [string, object, number?][] = [
      ['config.json', { ...config, torch_dtype: TORCH_DTYPES[dtype] }, 2],
      ['tokenizer.json', tokenizerJson],
      ['tokenizer_config.json', tokenizerConfig, 2],
    ];
    for (const [name, value, indent] of json) {
      const text = `${JSON.stringify(value, null, indent)}\n`;
      await writeFileAtomically(path.join(out, name), (handle) => handle.writeFile(text));
    }
    const types: Record<string, number> = {};
    for (const { from } of plans) {
      const type = typeName(source.tensors.get(from)!);
      types[type] = (types[type] ?? 0) + 1;
    }
    return {
      parameters: plans.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
      types,
      files: [...files, ...json.map(([name]) => name)],
    };
  } catch (error) {
    const isNamed = !(error instanceof GgufError || error instanceof ModelConfigError);
    if (isNamed || error.message.includes(file)) throw error;
    throw new GgufError(`${file}: ${error.message}`, { cause: error });
  } finally {
    await source.close();
  }
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const typeName = ({ dtype }: GGUFTensorInfo): string => GGMLQuantizationType[dtype] ?? `type ${dtype}`;

async function writeWeights(
  source: GgufSource,
  plans: readonly TensorPlan[],
  { out, dtype, shardSize, onTensor }: GgufImportOptions & { dtype: WeightDtype; shardSize: number },
): Promise<string[]> {
  const shards = shardsOf(plans, shardSize);
  const nameOf = (i: number) =>
    shards.length === 1 ? 'model.safetensors' : `model-${pad(i + 1)}-of-${pad(shards.length)}.safetensors`;
  const map: Record<string, string> = {};
  let done = 0;
  for (const [i, shard] of shards.entries()) {
    const weights = new Map<string, WeightData>();
    for (const { name, shape, from, heads } of shard) {
      const stored = await source.read(from, shape);
      const data = heads === undefined ? stored : unpermute(stored, shape[0]!, heads);
      weights.set(name, { kind: 'data', data, shape });
      map[name] = nameOf(i);
      onTensor?.(++done, plans.length);
    }
    await writeSafetensors(path.join(out, nameOf(i)), weights, { dtype, metadata: { format: 'pt' } });
  }
  const files = shards.map((_, i) => nameOf(i));
  if (shards.length === 1) return files;
  const index = { metadata: {}, weight_map: map };
  await writeFileAtomically(path.join(out, 'model.safetensors.index.json'), (handle) =>
    handle.writeFile(`${JSON.stringify(index, null, 2)}\n`),
  );
  return [...files, 'model.safetensors.index.json'];
}

const pad = (number: number): string => String(number).padStart(5, '0');

/** Tensors in their order, so many that each group has at most `size` weights; a larger one is a group of its own. */
function shardsOf(plans: readonly TensorPlan[], size: number): TensorPlan[][] {
  const shards: TensorPlan[][] = [];
  let room = 0;
  for (const plan of plans) {
    const weights = sizeOf(plan.shape);
    if (shards.length === 0 || weights > room) {
      shards.push([]);
      room = size;
    }
    shards.at(-1)!.push(plan);
    room -= weights;
  }
  return shards;
}

/** An open GGUF file. */
class GgufSource {
  readonly metadata: Metadata;
  readonly tensors: ReadonlyMap<string, GGUFTensorInfo>;
  readonly #handle: FileHandle;
  readonly #start: number;

  private constructor(
    private readonly file: string,
    handle: FileHandle,
    parsed: Awaited<ReturnType<typeof gguf>>,
  ) {
    this.#handle = handle;
    this.metadata = new Metadata(parsed.metadata as Record<string, unknown>);
    this.tensors = new Map(parsed.tensorInfos.map((info) => [info.name, info]));
    this.#start = Number(parsed.tensorDataOffset);
  }

  static async open(file: string): Promise<GgufSource> {
    const handle = await open(file).catch((error: Error) => {
      throw new GgufError(`${file} cannot be read: ${error.message}`);
    });
    try {
      await checkHeader(handle);
      return new GgufSource(file, handle, await gguf(path.resolve(file), { allowLocalFile: true }));
    } catch (error) {
      await handle.close();
      throw new GgufError(`${file} is no GGUF file that can be read: ${reasonOf(error)}`, { cause: error });
    }
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  /** @throws GgufError that names the first tensor that is missing, misshapen or of another storage type */
  check(plans: readonly TensorPlan[]): void {
    for (const { from, shape } of plans) {
      const info = this.tensors.get(from);
      if (info === undefined) throw new GgufError(`${this.file} has no tensor ${from}`);
      this.#byteLength(info, shape);
    }
    const planned = new Set([...plans.map(({ from }) => from), ROPE_FACTORS]);
    const unknown = [...this.tensors.keys()].find((name) => !planned.has(name));
    if (unknown !== undefined)
      throw new GgufError(`${this.file}: LlamaForCausalLM has no place for the tensor ${unknown}`);
  }

  /** @param shape as transformers has it; [-1]: any list */
  async read(name: string, shape: readonly number[]): Promise<Float32Array> {
    const info = this.tensors.get(name)!;
    const length = this.#byteLength(info, shape);
    const position = this.#start + Number(info.offset);
    const { size } = await this.#handle.stat();
    if (!(position >= 0 && position + length <= size))
      throw new GgufError(`${this.file} has ${size} bytes, its tensor ${name} ends at ${position + length}`);
    const bytes = new Uint8Array(length);
    for (let at = 0; at < bytes.length; ) {
      const { bytesRead } = await this.#handle.read(bytes, at, bytes.length - at, position + at);
      if (bytesRead === 0) throw new GgufError(`${this.file} ends within the tensor ${name}`);
      at += bytesRead;
    }
    return widen(info.dtype, bytes);
  }

  #byteLength(info: GGUFTensorInfo, shape: readonly number[]): number {
    // The fastest dimension comes first in GGUF.
    const own = info.shape.map(Number).reverse();
    const wanted = String(shape) === '-1' ? own : shape;
    if (String(own) !== String(wanted))
      throw new GgufError(`${this.file}: the tensor ${info.name} is [${own}], expected [${wanted}]`);
    const bytes = byteLength(info.dtype, sizeOf(own));
    if (bytes === undefined)
      throw new GgufError(
        `${this.file}: the tensor ${info.name} is stored as ${typeName(info)}, supported: ${GGUF_TYPES.join(', ')}`,
      );
    return bytes;
  }
}
