import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { ConfigError } from '@psoft/training/config';
import { createProgress } from '@psoft/training/progress';
import { type Command, Option } from 'commander';
import { formatBytes } from './progress.ts';

interface Options {
  readonly out: string;
  readonly dtype: 'f32' | 'bf16' | 'f16';
  readonly overwrite?: boolean;
}

const DTYPES = { f32: 'F32', bf16: 'BF16', f16: 'F16' } as const;

export function addImportGgufCommand(program: Command): void {
  program
    .command('import-gguf')
    .description(
      'Bring a Llama from a GGUF file (llama.cpp’s format) into Hugging Face’s layout: config.json, safetensors and ' +
        'the tokenizer. Quantised weights are widened; what quantising lost does not come back.',
    )
    .argument('<file>', 'the GGUF file')
    .requiredOption('--out <folder>', 'where the model goes')
    .addOption(
      new Option('--dtype <name>', 'how weights are stored; bf16 and f16 may round them')
        .choices(['f32', 'bf16', 'f16'])
        .default('f32'),
    )
    .option('--overwrite', 'replace the model that lies in the folder')
    .addHelpText(
      'after',
      `
Example:
  psoft import-gguf SmolLM2-135M-Instruct.Q8_0.gguf --out models/smollm2-135m --dtype bf16
  psoft generate models/smollm2-135m --prompt "The capital of France is"`,
    )
    .action(async (file: string, { out, dtype, overwrite = false }: Options) => {
      const folder = path.resolve(out);
      if (existsSync(folder) && (await readdir(folder)).length > 0 && !overwrite)
        throw new ConfigError(`${out} is not empty: give an empty folder, or --overwrite`);
      const { importGguf } = await import('@psoft/models/gguf');
      let progress: ReturnType<typeof createProgress> | undefined;
      const { parameters, types, files } = await importGguf(path.resolve(file), {
        out: folder,
        dtype: DTYPES[dtype],
        onTensor: (done, total) => {
          progress ??= createProgress({ stream: process.stderr, total, label: 'tensors' });
          progress.update(done, {});
        },
      }).finally(() => progress?.done());
      const sizes = await Promise.all(files.map(async (name) => (await stat(path.join(folder, name))).size));
      const kinds = Object.entries(types).map(([type, count]) => `${count} ${type}`);
      process.stdout.write(
        `${[
          `${parameters.toLocaleString('en')} parameters in ${kinds.join(', ')} tensors`,
          `${path.relative(process.cwd(), folder) || folder}: ${files.join(', ')} (${formatBytes(sizes.reduce((a, b) => a + b, 0))})`,
        ].join('\n')}\n`,
      );
    });
}
