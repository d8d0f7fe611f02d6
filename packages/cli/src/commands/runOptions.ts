/** Options that every command which trains has, and what they mean. */
import path from 'node:path';
import type { Executor } from '@psoft/engine';
import type { RunRequest } from '@psoft/training/supervise';
import { type Command, Option } from 'commander';
import { ROOT } from '../workspace.ts';
import { wholeNumber } from './numbers.ts';

export interface RunOptionValues {
  readonly executor: Executor;
  readonly threads?: number;
  readonly checkpointSteps?: number;
  readonly restart?: boolean;
  readonly resultsDir: string;
  readonly runsDir: string;
}

/** What {@link addSourceOptions} gives. */
export interface SourceOptionValues {
  readonly dataDir?: string;
  readonly dataUrl?: string;
  readonly dataHub?: string;
  readonly modelDir?: string;
  readonly model?: string;
}

/** Written out, so that the command does not load the engine only to parse its options. */
const EXECUTORS: readonly Executor[] = [
  ...(['cpu', 'cuda', 'webgpu'] as const),
  ...(['eager-cpu', 'eager-wasm', 'eager-node', 'eager-node-gpu'] as const),
];

export function addSourceOptions(command: Command): Command {
  return command
    .option('--data-dir <folder>', 'the real data in the official layout, instead of the profile’s')
    .option('--data-url <address>', 'the same layout below an address, downloaded once and kept')
    .option('--data-hub <name[@revision]>', 'a data set on the Hugging Face Hub, instead of the profile’s')
    .option('--model-dir <folder>', 'the base model: config.json, weights and tokenizer files')
    .option('--model <name[@revision]>', 'a base model on the Hugging Face Hub, instead of the profile’s');
}

/** What only language models that learn to respond have. */
export function addPromptOptions(command: Command): Command {
  return command
    .option('--prompt-template <name>', 'which of the task’s prompts (default: the experiment’s)')
    .option('--loss-on-prompt', 'count the prompt’s tokens in the loss, too')
    .option('--no-loss-on-prompt', 'count the response’s tokens only');
}

export function addExecutionOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--executor <name>',
        'cpu, cuda, webgpu: compiled, ONNX Runtime; the others call tfjs kernels one by one',
      )
        .choices(EXECUTORS)
        .default('cpu'),
    )
    .option('--threads <n>', 'threads inside one operator (default: ONNX Runtime’s choice)', wholeNumber);
}

export function addRunOptions(command: Command): Command {
  return addExecutionOptions(command)
    .option(
      '--checkpoint-steps <n>',
      'save the state after so many steps (default: about every minute)',
      wholeNumber,
    )
    .option('--restart', 'begin anew where a checkpoint of a broken-off run is found')
    .option('--results-dir <folder>', 'where records are and go', path.join(ROOT, 'results'))
    .option('--runs-dir <folder>', 'where adapters, predictions and logs go', path.join(ROOT, 'runs'));
}

export function executionOf({ executor, threads }: Pick<RunOptionValues, 'executor' | 'threads'>) {
  return { executor, ...(threads === undefined ? {} : { threads }) };
}

export function runOptionsOf(values: RunOptionValues): RunRequest['options'] {
  const { checkpointSteps, restart, resultsDir, runsDir } = values;
  return {
    ...executionOf(values),
    resultsFolder: path.resolve(resultsDir),
    runsFolder: path.resolve(runsDir),
    ...(checkpointSteps === undefined ? {} : { checkpointSteps }),
    ...(restart === undefined ? {} : { restart }),
  };
}
