/** Options that every command which trains has, and what they mean. */
import path from 'node:path';
import type { Executor } from '@psoft/engine';
import {
  checkPrecision,
  chooseDevice,
  DEVICE_CHOICES,
  type DeviceChoice,
  executorOf,
  PRECISIONS,
  type RunPrecision,
} from '@psoft/engine/devices';
import type { RunRequest } from '@psoft/training/supervise';
import { type Command, Option } from 'commander';
import { ROOT } from '../workspace.ts';
import { wholeNumber } from './numbers.ts';

export interface RunOptionValues {
  /** Settled before the command begins: see {@link addExecutionOptions}. */
  readonly executor: Executor;
  readonly precision?: RunPrecision;
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

/**
 * Where and in what a command computes. Before its action, what `--device auto` finds takes the place of the choice, and
 * options that contradict each other are refused; the action sees one executor.
 */
export function addExecutionOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--device <name>',
        'where to compute; auto: cuda if it works, else webgpu on a card, else cpu (default: cpu; psoft doctor tries them)',
      ).choices(DEVICE_CHOICES),
    )
    .addOption(
      new Option(
        '--precision <name>',
        'what operands of matrix products are rounded to; tf32 on cuda only (default: f32)',
      ).choices(PRECISIONS),
    )
    .addOption(
      new Option(
        '--executor <name>',
        'eager-...: call tfjs kernels one by one instead of compiling; a device’s name is the same as --device',
      ).choices(EXECUTORS),
    )
    .hook('preAction', async (_, action) => {
      const { device, executor, precision } = action.opts<{
        device?: DeviceChoice;
        executor?: Executor;
        precision?: RunPrecision;
      }>();
      const asked = executorOf(device, executor);
      const settled = asked === 'auto' ? await announced() : asked;
      checkPrecision(settled, precision ?? 'f32');
      action.setOptionValue('executor', settled);
    })
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

async function announced(): Promise<Executor> {
  const { device, why } = await chooseDevice();
  process.stderr.write(`${why}\n`);
  return device;
}

export type ExecutionValues = Pick<RunOptionValues, 'executor' | 'threads' | 'precision'>;

export function executionOf({ executor, threads, precision }: ExecutionValues) {
  return {
    executor,
    ...(threads === undefined ? {} : { threads }),
    ...(precision === undefined ? {} : { precision }),
  };
}

export function runOptionsOf(values: RunOptionValues): RunRequest['options'] {
  const { checkpointSteps, restart, resultsDir, runsDir, precision: _, ...execution } = values;
  return {
    // The precision of a run is among its settings, for it decides the result.
    ...executionOf(execution),
    resultsFolder: path.resolve(resultsDir),
    runsFolder: path.resolve(runsDir),
    ...(checkpointSteps === undefined ? {} : { checkpointSteps }),
    ...(restart === undefined ? {} : { restart }),
  };
}
