import { randomBytes } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { copyFile, mkdir, readdir, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ConfigError } from '@psoft/training/config';
import { createProgress } from '@psoft/training/progress';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { formatBytes } from './progress.ts';

interface Options {
  readonly out: string;
  readonly blockSize: number;
  readonly scaleDtype: 'f16' | 'f32';
  readonly exclude: readonly string[];
}

const SCALE_DTYPES = { f16: 'F16', f32: 'F32' } as const;
/** Weights in any form, and lists of them: everything else of a model's folder is copied. */
const WEIGHTS = /\.(safetensors|bin|pt|pth|h5|msgpack|onnx|gguf|ot)$|\.index\.json$/;

export function addQuantizeCommand(program: Command): void {
  program
    .command('quantize')
    .description(
      'Store the linear layers of a model in 4 bits, in blocks with a scale and a zero point each (round to nearest). ' +
        'Embeddings, norms, biases and the output layer stay as they are. The result trains and generates like any ' +
        'model; adapters start from the values that the 4 bits stand for.',
    )
    .argument('<model>', 'the model folder')
    .requiredOption('--out <folder>', 'where the quantised model goes; must be empty or new')
    .addOption(new Option('--bits <count>', 'bits of a value').choices(['4']).default('4'))
    .addOption(
      new Option(
        '--block-size <count>',
        'neighbours that share a scale; fewer are more exact and take more room',
      )
        .choices(['32', '64', '128'])
        .default(32)
        .argParser(blockSizeOf),
    )
    .addOption(
      new Option('--scale-dtype <name>', 'how scales are stored')
        .choices(Object.keys(SCALE_DTYPES))
        .default('f16'),
    )
    .option('--exclude <modules...>', 'linear layers to leave as they are, by the end of their names', [])
    .addHelpText(
      'after',
      `
Examples:
  psoft quantize models/llama-3.1-8b --out models/llama-3.1-8b-4bit
  psoft quantize models/llama-3.1-8b --out models/llama-4bit --block-size 64 --exclude down_proj model.layers.0.mlp.up_proj`,
    )
    .action(quantize);
}

function blockSizeOf(text: string): number {
  if (['32', '64', '128'].includes(text)) return Number(text);
  throw new InvalidArgumentError('Allowed choices are 32, 64, 128.');
}

async function quantize(model: string, { out, blockSize, scaleDtype, exclude }: Options): Promise<void> {
  const folder = path.resolve(out);
  if (existsSync(folder) && (await readdir(folder)).length > 0)
    throw new ConfigError(`${out} is not empty: give an empty folder, or a new one`);
  const { openCheckpoint, quantizationConfig, quantizeInto } = await import('@psoft/engine');
  const { dir, config, weights, metadata } = await openCheckpoint(model);
  const modules = chosenModules(await linearsOf(config), exclude);
  const floats = new Map(
    [...weights].map(([name, source]) => {
      if (source.kind === 'quantized')
        throw new ConfigError(`${model} is quantised already: take the original`);
      return [name, source] as const;
    }),
  );
  const settings = { blockSize, scaleDtype: SCALE_DTYPES[scaleDtype] };
  let progress: ReturnType<typeof createProgress> | undefined;
  const report = await wholeOrAbsent(folder, async (staging) => {
    const done = await quantizeInto(path.join(staging, 'model.safetensors'), floats, {
      ...settings,
      chosen: (name) => modules.has(name.replace(/\.weight$/, '')) && name.endsWith('.weight'),
      metadata,
      onWeight: (count, total) => {
        progress ??= createProgress({ stream: process.stderr, total, label: 'weights' });
        progress.update(count, {});
      },
    }).finally(() => progress?.done());
    if (done.quantized === 0) throw new ConfigError(`${model} has no linear layer left to quantise`);
    const quantised = { ...config, quantization_config: quantizationConfig(settings) };
    await writeFile(path.join(staging, 'config.json'), `${JSON.stringify(quantised, null, 2)}\n`);
    for (const name of await readdir(dir))
      if (name !== 'config.json' && !WEIGHTS.test(name) && (await stat(path.join(dir, name))).isFile())
        await copyFile(path.join(dir, name), path.join(staging, name));
    return done;
  });
  process.stdout.write(
    `${[
      `${report.quantized} linear layers in 4 bits (blocks of ${blockSize}, scales in ${scaleDtype}), ` +
        `${report.copied} other weights as they were`,
      `weights: ${formatBytes(report.bytesBefore)} before, ${formatBytes(report.bytesAfter)} now; ` +
        `the quantised ones are off by ${(100 * report.relativeError).toFixed(1)} % of their norm`,
      path.relative(process.cwd(), folder) || folder,
    ].join('\n')}\n`,
  );
}

/** Linear layers of the pre-trained network, whatever it is used for. */
async function linearsOf(config: Readonly<Record<string, unknown>>): Promise<string[]> {
  const { outlineModel, TASKS } = await import('@psoft/models');
  let failure: unknown;
  for (const task of [...TASKS].reverse()) {
    try {
      const { linears, headModules } = outlineModel(task, { ...config });
      const isHead = (name: string) =>
        headModules.some((head) => name === head || name.startsWith(`${head}.`));
      return linears.map(({ name }) => name).filter((name) => !isHead(name));
    } catch (error) {
      failure ??= error;
    }
  }
  throw failure;
}

/** @throws ConfigError for a name that excludes nothing */
function chosenModules(linears: readonly string[], exclude: readonly string[]): ReadonlySet<string> {
  const isNamed = (module: string, name: string) => module === name || module.endsWith(`.${name}`);
  for (const name of exclude)
    if (!linears.some((module) => isNamed(module, name))) {
      const endings = [...new Set(linears.map((module) => module.split('.').at(-1)!))];
      throw new ConfigError(`--exclude ${name} names no linear layer; they end in ${endings.join(', ')}`);
    }
  return new Set(linears.filter((module) => !exclude.some((name) => isNamed(module, name))));
}

/** Fills a folder beside `folder` and renames it; on failure or a signal it is removed. */
async function wholeOrAbsent<T>(folder: string, fill: (staging: string) => Promise<T>): Promise<T> {
  const staging = `${folder}.${randomBytes(6).toString('hex')}.tmp`;
  const stop = (signal: NodeJS.Signals) => {
    rmSync(staging, { recursive: true, force: true });
    process.exit(signal === 'SIGINT' ? 130 : 143);
  };
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    await mkdir(staging, { recursive: true });
    const result = await fill(staging);
    // Empty, as was checked: some systems rename onto no folder at all.
    if (existsSync(folder)) await rmdir(folder);
    await rename(staging, folder);
    return result;
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    throw error;
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}
