import path from 'node:path';
import { type MergeRunRequest, supervise } from '@psoft/training/supervise';
import { type Command, Option } from 'commander';
import { formatBytes, sourceEvents } from './progress.ts';
import { addExecutionOptions, type ExecutionValues, executionOf } from './runOptions.ts';

interface Options extends ExecutionValues {
  readonly out: string;
  readonly dtype: 'f32' | 'bf16' | 'f16';
  readonly modelDir?: string;
  readonly overwrite?: boolean;
}

export function addMergeCommand(program: Command): void {
  const command = program
    .command('merge')
    .description(
      'Fold what a finished run trained into its base model and write it in Hugging Face’s layout: config.json, ' +
        'model.safetensors and the tokenizer or image processor. Reports how far the outputs moved.',
    )
    .argument('<run>', 'folder of a finished run below runs/, or of the adapter in it')
    .requiredOption('--out <folder>', 'where the model goes')
    .addOption(
      new Option('--dtype <name>', 'how weights are stored; bf16 and f16 round them')
        .choices(['f32', 'bf16', 'f16'])
        .default('f32'),
    )
    .option('--model-dir <folder>', 'the base model, where it has moved since training')
    .option('--overwrite', 'replace the model that lies in the folder');
  addExecutionOptions(command).action(async (folder: string, options: Options) => {
    const { out, dtype, modelDir, overwrite = false } = options;
    const request: MergeRunRequest = {
      folder: path.resolve(folder),
      out: path.resolve(out),
      dtype,
      overwrite,
      ...executionOf(options),
      ...(modelDir === undefined ? {} : { modelFolder: path.resolve(modelDir) }),
    };
    const summary = await supervise('merge', request, sourceEvents());
    const { modules, largestChange, mergeDrift, storedDrift, files, bytes } = summary;
    process.stdout.write(
      `${[
        `merged ${modules} modules; the largest change of a weight is ${largestChange.toExponential(2)}`,
        `largest difference of a logit on ${summary.sampleTokens} random tokens: ${mergeDrift.toExponential(2)} by merging, ${storedDrift.toExponential(2)} as stored in ${dtype}`,
        `${path.relative(process.cwd(), out) || out}: ${files.join(', ')} (${formatBytes(bytes)})`,
      ].join('\n')}\n`,
    );
  });
}
