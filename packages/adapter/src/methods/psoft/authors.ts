/**
 * Adapters that the paper's released code saved: a LoRA folder whose modules also hold `lora_orth`. They carry A and B,
 * so that their basis is known; what they do not carry is whether R was exact or a series, and of how many terms.
 */
import { type Model, readWeight, type SafetensorsFile, type WeightData } from '@psoft/engine';
import { adoptModuleBasis, recordBasis } from '../../basisRecord.ts';
import { AdapterError, warn } from '../../errors.ts';
import { type InstalledAdapter, installAdapter, type PeftOptions } from '../../installed.ts';
import { skewFromLowerTriangle } from '../../math/skew.ts';
import { PsoftConfig } from './config.ts';

/** How R was computed in training; the released scripts' default is the series with K = 5. */
export type AuthorsRotation =
  | { readonly useCayleyNeumann: false }
  | { readonly useCayleyNeumann: true; readonly numCayleyNeumannTerms: number };

const DEFAULT_ROTATION: AuthorsRotation = { useCayleyNeumann: true, numCayleyNeumannTerms: 5 };

/** The released code's key below a module, and PEFT's. */
const KEYS = [
  ['lora_orth.a_params', 'psoft_R.weight'],
  ['lora_orth.mag_vector_a', 'psoft_R.vector_a'],
  ['lora_orth.mag_vector_b', 'psoft_R.vector_b'],
] as const;

/** Largest difference of B's entries, relative to the largest, between their decomposition and ours. */
const TOLERANCE = 1e-3;

export function isAuthorsFile({ tensors }: SafetensorsFile): boolean {
  return [...tensors.keys()].some((name) => name.includes('.lora_orth.'));
}

/**
 * The adapter in such a folder, as PSOFT. Their R = (I - A)(I + A)⁻¹ with A filled from the strict lower triangle is ours
 * with the vector in another order.
 * @param json the parsed adapter_config.json
 * @returns the adapter, and the file's tensors under our keys
 * @throws AdapterError when A and B are not the principal subspace of this model's weights
 */
export async function convertAuthorsAdapter(
  model: Model,
  json: Readonly<Record<string, unknown>>,
  file: SafetensorsFile,
  keyPrefix: string,
  rotation: AuthorsRotation | undefined,
  options: PeftOptions,
): Promise<InstalledAdapter> {
  const names = [...file.tensors.keys()];
  const modules = names
    .filter((name) => name.endsWith('.lora_orth.a_params'))
    .map((name) => name.slice(keyPrefix.length, -'.lora_orth.a_params'.length));
  const read = async (module: string, key: string): Promise<WeightData | undefined> => {
    const source = file.tensors.get(`${keyPrefix}${module}.${key}`);
    return source && { kind: 'data', data: Float32Array.from(await readWeight(source)), shape: source.shape };
  };
  const required = async (module: string, key: string): Promise<WeightData> => {
    const found = await read(module, key);
    if (found === undefined)
      throw new AdapterError(`${file.file}: has no tensor "${keyPrefix}${module}.${key}"`);
    return found;
  };
  const first = modules[0]!;
  const a = await required(first, 'lora_A.weight');
  const r = a.shape[0]!;
  const psoftOrth = (await required(first, 'lora_orth.a_params')).shape.length === 1;
  if (psoftOrth && rotation === undefined)
    warn(
      `${file.file}: does not say how R was computed; taken for the released default, a series with K = 5: ` +
        'give `rotation` if it was another',
    );
  const has = (key: string): boolean => names.some((name) => name.endsWith(key));
  const config = new PsoftConfig({
    r,
    psoftAlpha: Number(json.lora_alpha ?? r),
    psoftDropout: Number(json.lora_dropout ?? 0),
    abSvdInit: initOf(a, await required(first, 'lora_B.weight')),
    psoftOrth,
    psoftMagA: has('.lora_orth.mag_vector_a'),
    psoftMagB: has('.lora_orth.mag_vector_b'),
    ...(psoftOrth ? { ...(rotation ?? DEFAULT_ROTATION), neumannConvention: conventionOf(rotation) } : {}),
    targetModules: modules,
    modulesToSave: savedModules(json, names),
    ...(typeof json.task_type === 'string' ? { taskType: json.task_type } : {}),
  });
  const adapter = await installAdapter(model, config, options);
  const state = adapter.layers.state();
  for (const { name } of adapter.layers.targets) {
    const [theirA, theirB] = [await required(name, 'lora_A.weight'), await required(name, 'lora_B.weight')];
    const [ourA, ourB] = ['psoft_A', 'psoft_B'].map((key) => adapter.layers.weights.get(`${name}.${key}`)!);
    adoptModuleBasis(name, ourA!, ourB!, recordBasis(theirA, theirB), file.file);
    checkSame(name, ourB!, theirB, file.file);
    for (const [theirs, ours] of KEYS) {
      const target = state.get(`${name}.${ours}`);
      if (target === undefined) continue;
      const { data } = await required(name, theirs);
      const values = ours === 'psoft_R.weight' && psoftOrth ? skewFromLowerTriangle(data, r) : data;
      if (values.length !== target.data.length)
        throw new AdapterError(
          `${file.file}: "${name}.${theirs}" holds ${values.length} values, rank ${r} needs ${target.data.length}`,
        );
      target.data.set(values);
    }
  }
  for (const { name, data } of adapter.heads) {
    const source = file.tensors.get(keyPrefix + name);
    if (source === undefined)
      throw new AdapterError(
        `${file.file}: has no tensor "${keyPrefix}${name}": the trained head is part of an adapter`,
      );
    data.set(await readWeight(source));
  }
  return adapter;
}

function conventionOf(rotation: AuthorsRotation | undefined): 'peft' | 'paper' {
  return rotation?.useCayleyNeumann === false ? 'peft' : 'paper';
}

/** Which factor holds the singular values. */
function initOf(a: WeightData, b: WeightData): PsoftConfig['abSvdInit'] {
  const [r, columns] = a.shape as [number, number];
  const isUnit = (squares: number[]) => squares.every((square) => Math.abs(square - 1) < 1e-3);
  const rows = Array.from({ length: r }, (_, row) =>
    a.data.subarray(row * columns, (row + 1) * columns).reduce((sum, value) => sum + value * value, 0),
  );
  if (isUnit(rows)) return 'psoft_init';
  const outs = Array.from({ length: r }, (_, column) => {
    let sum = 0;
    for (let i = column; i < b.data.length; i += r) sum += b.data[i]! ** 2;
    return sum;
  });
  return isUnit(outs) ? 'output_init' : 'pissa_init';
}

function savedModules(json: Readonly<Record<string, unknown>>, names: readonly string[]): string[] {
  const given: readonly unknown[] = Array.isArray(json.modules_to_save) ? json.modules_to_save : [];
  const listed = given.filter((name) => typeof name === 'string');
  return listed.filter((module) => names.some((name) => `.${name}.`.includes(`.${module}.`)));
}

function checkSame(module: string, ours: WeightData, theirs: WeightData, origin: string): void {
  const scale = theirs.data.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  const worst = ours.data.reduce(
    (largest, value, i) => Math.max(largest, Math.abs(value - theirs.data[i]!)),
    0,
  );
  if (!(worst <= TOLERANCE * scale))
    throw new AdapterError(
      `${origin}: B of "${module}" is not that of this model's weight (off by ${(worst / scale).toExponential(1)} of its ` +
        'largest entry): give the checkpoint it was trained on',
    );
}
