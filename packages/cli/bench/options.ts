/** The options that the benches of points share. */
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { checkPrecision, chooseDevice, DEVICE_CHOICES, PRECISIONS } from '@psoft/engine/devices';
import { parseSettings } from '../src/resolve.ts';
import type { MeasureOptions } from './measure.ts';
import { METHODS, SUBJECTS, type Wish } from './points.ts';

const OPTIONS = {
  profile: { type: 'string', default: 'tiny' },
  shape: { type: 'string' },
  method: { type: 'string' },
  methods: { type: 'string' },
  rank: { type: 'string' },
  batch: { type: 'string' },
  length: { type: 'string' },
  layers: { type: 'string' },
  hidden: { type: 'string' },
  toy: { type: 'boolean', default: false },
  device: { type: 'string', default: 'cpu' },
  precision: { type: 'string', default: 'f32' },
  weights: { type: 'string', default: 'F32' },
  recompute: { type: 'boolean', default: false },
  accumulate: { type: 'string' },
  exact: { type: 'boolean', default: false },
  set: { type: 'string', multiple: true, default: [] as string[] },
  steps: { type: 'string' },
  threads: { type: 'string' },
  folder: { type: 'string', default: path.join(os.tmpdir(), 'psoft-bench') },
  trace: { type: 'string' },
  without: { type: 'string', multiple: true, default: [] as string[] },
  provider: { type: 'string', multiple: true, default: [] as string[] },
  entry: { type: 'string', multiple: true, default: [] as string[] },
  option: { type: 'string', multiple: true, default: [] as string[] },
  json: { type: 'boolean', default: false },
  import: { type: 'string' },
  'results-dir': { type: 'string', default: 'results' },
  'dry-run': { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

export const USAGE = `  --profile tiny|paper   sizes: small ones, or the paper's (default: tiny)
  --shape LIST           ${SUBJECTS.join(', ')}: these alone, at their own size, printed as JSON lines and not recorded
  --method LIST          some of ${METHODS.join(', ')}
  --rank, --batch, --length, --layers, --hidden N   other sizes than the profile's
  --toy                  with --shape: the tiny profile's sizes (without, the paper's)
  --device NAME          ${DEVICE_CHOICES.join(', ')}
  --precision NAME       ${PRECISIONS.join(', ')}
  --weights F32|BF16     how frozen weights are stored
  --recompute            activations are computed again in the backward pass
  --accumulate N         batches that make up one update: times are then divided by N
  --exact                PSOFT with the exact Cayley map instead of the paper's Neumann series
  --set NAME=VALUE       a setting of the adapter, such as psoftDropout=0; repeatable
  --steps N              timed, after three that are not (default: 10; of the whole profile paper 100)
  --threads N, --folder DIR (where random weights are kept), --results-dir DIR
  --json                 print records as JSON lines, and write none
  --import FILE          write the records that such lines hold
  --dry-run              say what would be measured
  --trace PREFIX, --entry NAME=VALUE, --provider NAME=VALUE   ONNX Runtime's own profile, its session entries, its provider's options
  --option NAME=VALUE    of compiling, on CUDA: binding=package, cudaGraph=false, kernels=false, planMemory=false; repeatable
  --without NAME         a pass of the compiler to leave out, by its name in packages/engine/src/passes; repeatable`;

export type Values = ReturnType<typeof parse>['values'];
export const parse = (args: readonly string[]) =>
  parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });

/** As many as the paper has, where it is the paper's table. */
const passesOf = (profile: Wish['profile'], isTrial: boolean) => (profile === 'paper' && !isTrial ? 100 : 10);

/** @throws Error of one line for a value that cannot be */
export async function wishOf(values: Values): Promise<Wish> {
  const profile =
    values.shape !== undefined && !values.toy && values.profile === 'tiny' ? 'paper' : values.profile;
  const device = oneOf(values.device, DEVICE_CHOICES, 'device');
  const precision = oneOf(values.precision, PRECISIONS, 'precision');
  const executor = device === 'auto' ? await announced() : device;
  checkPrecision(executor, precision);
  const sizes = Object.entries({
    batch: values.batch,
    length: values.length,
    layers: values.layers,
    hidden: values.hidden,
    rank: values.rank,
    accumulate: values.accumulate,
  }).flatMap(([key, text]) => (text === undefined ? [] : [[key, count(key, text)]]));
  return {
    profile: oneOf(profile, ['tiny', 'paper'], 'profile'),
    executor,
    precision,
    weights: oneOf(values.weights, ['F32', 'BF16'], 'weights'),
    recompute: values.recompute,
    ...(Object.fromEntries(sizes) as Pick<Wish, 'batch'>),
  };
}

async function announced() {
  const { device, why } = await chooseDevice();
  process.stderr.write(`${why}\n`);
  return device;
}

export function optionsOf(values: Values, { profile }: Wish): MeasureOptions {
  const { folder, threads, trace, entry, provider, without, steps, option } = values;
  const named = (all: readonly string[]) => Object.fromEntries(all.map((one) => one.split('=')));
  return {
    folder: path.resolve(folder),
    passes: steps === undefined ? passesOf(profile, values.shape !== undefined) : count('steps', steps),
    ...(threads === undefined ? {} : { threads: count('threads', threads) }),
    ...(trace === undefined ? {} : { trace }),
    ...(entry.length === 0 ? {} : { entries: named(entry) }),
    ...(provider.length === 0 ? {} : { provider: named(provider) }),
    ...(without.length === 0 ? {} : { without }),
    ...(option.length === 0 ? {} : { compile: parseSettings(option, '--option') }),
  };
}

export function listOf(
  text: string | undefined,
  known: readonly string[],
  what: string,
): readonly string[] | undefined {
  return text?.split(',').map((one) => oneOf(one, known, what));
}

function oneOf<const T extends string>(text: string, known: readonly T[], what: string): T {
  if (!(known as readonly string[]).includes(text))
    throw new Error(`unknown ${what} "${text}"; known: ${known.join(', ')}`);
  return text as T;
}

function count(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`--${name} must be a whole number of at least 1, got "${text}"`);
  return value;
}
