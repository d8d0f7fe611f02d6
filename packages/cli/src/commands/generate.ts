import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { ConfigError } from '@psoft/training/config';
import { createProgress } from '@psoft/training/progress';
import { type GenerateRequest, supervise } from '@psoft/training/supervise';
import { type Command, Option } from 'commander';
import { addDecodingOptions, type DecodingValues, strategyOf } from './decoding.ts';
import { wholeNumber } from './numbers.ts';
import { STOPPED_BY_SIGNAL, sourceEvents } from './progress.ts';
import { addExecutionOptions, type ExecutionValues, executionOf } from './runOptions.ts';

interface Options extends ExecutionValues, DecodingValues {
  readonly prompt: readonly string[];
  readonly input?: string;
  readonly template: 'none' | 'alpaca';
  readonly maxNewTokens: number;
  readonly batchSize: number;
  readonly seed: number;
  readonly json?: boolean;
  readonly modelDir?: string;
}

export function addGenerateCommand(program: Command, done: (code: number) => void): void {
  const command = program
    .command('generate')
    .description(
      'Let a language model go on with texts: one that a finished run trained, or any model’s folder.',
    )
    .argument('<model>', 'folder of a finished run or of the adapter in it; or of a model with config.json')
    .option('--prompt <text>', 'what to go on with; may be repeated', collect, [])
    .option('--input <file>', 'prompts, one a line; - is standard input')
    .addOption(
      new Option(
        '--template <name>',
        'what stands around a prompt: alpaca is what the math experiment trains with',
      )
        .choices(['none', 'alpaca'])
        .default('none'),
    )
    .option('--max-new-tokens <n>', 'a text is cut after so many', wholeNumber, 128)
    .option('--batch-size <n>', 'prompts that are continued at once', wholeNumber, 8)
    .option('--seed <n>', 'of what is drawn with --strategy sample', wholeNumber, 1)
    .option('--json', 'one object a line: prompt, text, tokens, whether it ended')
    .option('--model-dir <folder>', 'the base model, where it has moved since training');
  addExecutionOptions(addDecodingOptions(command))
    .addHelpText(
      'after',
      `
Examples:
  psoft generate RUN --template alpaca --prompt "Tom has 3 apples and buys 4. How many has he?"
  psoft generate packages/tiny-models/checkpoints/llama-tiny --prompt "Once" --strategy sample --temperature 0.8
  psoft generate RUN --input prompts.txt --json --beams 4 --strategy beam`,
    )
    .action(async (folder: string, options: Options) => {
      const given = await promptsOf(options);
      const prompts = options.template === 'alpaca' ? await inTemplate(given) : given;
      const { maxNewTokens, batchSize, modelDir, seed } = options;
      const request: GenerateRequest = {
        folder: path.resolve(folder),
        ...(modelDir === undefined ? {} : { modelFolder: path.resolve(modelDir) }),
        prompts,
        strategy: strategyOf(options, seed) ?? { kind: 'greedy' },
        maxNewTokens,
        batchSize,
        ...executionOf(options),
      };
      let progress: ReturnType<typeof createProgress> | undefined;
      const summary = await supervise('generate', request, {
        ...sourceEvents(),
        onStep: ({ step, totalSteps, tokensPerSecond }) => {
          progress ??= createProgress({ stream: process.stderr, total: totalSteps, label: 'generate' });
          progress.update(step, { speed: tokensPerSecond });
        },
      }).finally(() => progress?.done());
      if (summary.status === 'cancelled') {
        process.stderr.write('stopped before the end\n');
        return done(STOPPED_BY_SIGNAL);
      }
      for (const [i, one] of summary.texts.entries())
        process.stdout.write(
          options.json
            ? `${JSON.stringify({ prompt: given[i], ...one })}\n`
            : `${given[i]}${options.template === 'none' ? '' : '\n'}${one.text}${one.finished ? '' : ' …'}\n`,
        );
      const tokens = summary.texts.reduce((sum, one) => sum + one.tokens, 0);
      process.stderr.write(`${tokens} tokens, ${summary.tokensPerSecond?.toFixed(0)} a second\n`);
    });
}

function collect(value: string, all: readonly string[]): string[] {
  return [...all, value];
}

async function promptsOf({ prompt, input }: Options): Promise<readonly string[]> {
  if (input === undefined) {
    if (prompt.length > 0) return prompt;
    throw new ConfigError('what shall it go on with? Give --prompt TEXT, --input FILE or --input -');
  }
  if (prompt.length > 0) throw new ConfigError('give --prompt or --input, not both');
  const text = input === '-' ? await readAll(process.stdin) : await readFile(path.resolve(input), 'utf8');
  const lines = text.split(/\r?\n/).filter((line) => line !== '');
  if (lines.length > 0) return lines;
  throw new ConfigError(`${input === '-' ? 'standard input' : input} holds no prompt: give one a line`);
}

/** Loads the data package, which a command that only prints help need not. */
async function inTemplate(queries: readonly string[]): Promise<string[]> {
  const { trainingPrompt } = await import('@psoft/datasets');
  return queries.map((query) => trainingPrompt({ query }));
}
