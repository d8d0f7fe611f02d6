/** Runs batches through a saved model, and writes what comes out. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { writeFileAtomically } from '@psoft/engine';
import { Evaluator } from '../../evaluator.ts';
import type { Batch } from '../../fit.ts';
import { ParameterVector } from '../../parameters.ts';
import type { BatchSpec } from '../../programs.ts';
import { ConfigError } from '../config.ts';
import type { RunHooks } from '../execute.ts';
import { executionOptions } from '../execution.ts';
import type { SavedRun } from '../saved.ts';
import type { PredictRequest } from './request.ts';

/**
 * Logits of every example, in order. Groups of batches come one after the other, so that their examples need not be in
 * memory at the same time.
 * @param total batches of all groups
 */
export async function outputsOf(
  { model }: SavedRun,
  request: PredictRequest,
  groups: AsyncIterable<readonly Batch[]> | Iterable<readonly Batch[]>,
  total: number,
  spec: (bucket: number) => BatchSpec,
  hooks: RunHooks,
): Promise<Float32Array[]> {
  const vector = new ParameterVector(model.parameters);
  const evaluator = new Evaluator(model, vector, executionOptions(request));
  const outputs: Float32Array[] = [];
  let before = 0;
  try {
    for await (const batches of groups) {
      const some = await evaluator.predict(batches, spec, (done) =>
        hooks.step({ step: before + done, totalSteps: total, loss: Number.NaN, tokensPerSecond: 0 }),
      );
      for (const one of some) outputs.push(one);
      before += batches.length;
    }
    return outputs;
  } finally {
    await evaluator.dispose();
  }
}

/** A language model has no classes to predict. */
export function generates(task: string): ConfigError {
  return new ConfigError(
    `the run's task, ${task}, trained a language model, which writes text: psoft generate continues prompts, psoft evaluate grades answers`,
  );
}

/**
 * To a file, whole or not at all, or to standard output.
 * @returns the files written
 */
export async function writeOutput(text: string, output: string | undefined): Promise<string[]> {
  if (output === undefined) {
    await new Promise<void>((resolve, reject) =>
      process.stdout.write(text, (error) => (error ? reject(error) : resolve())),
    );
    return [];
  }
  await mkdir(path.dirname(path.resolve(output)), { recursive: true });
  await writeFileAtomically(output, async (handle) => void (await handle.writeFile(text)));
  return [output];
}
