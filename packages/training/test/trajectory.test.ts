/**
 * The first 20 AdamW steps of a small DeBERTa-v3 under each method follow PEFT's and torch's, from the adapter that PEFT
 * saved before the first one: fixtures by tools/reference/trajectory.py.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { PeftModel } from '@psoft/adapter';
import { labelledTextSpec } from '@psoft/datasets';
import { dropoutStep, openCheckpoint } from '@psoft/engine';
import { crossEntropy, modelFor } from '@psoft/models';
import { expect, test } from 'vitest';
import { AdamW, clipGradient } from '../src/optimiser.ts';
import { ParameterVector } from '../src/parameters.ts';
import { compileTrainStep } from '../src/programs.ts';

const FOLDER = path.join(import.meta.dirname, 'fixtures', 'trajectory');
const read = async (name: string) => JSON.parse(await readFile(path.join(FOLDER, name), 'utf8'));

interface Batches {
  readonly optimiser: { adapterRate: number; headRate: number; weightDecay: number; maxGradNorm: number };
  readonly batches: { inputIds: number[][]; attentionMask: number[][]; labels: number[] }[];
}

test.each(['psoft', 'lora', 'dora', 'oft'])('%s', async (method) => {
  const { config, weights } = await openCheckpoint(FOLDER);
  const base = modelFor('sequence-classification', config, weights);
  const folder = path.join(FOLDER, method);
  const basis = path.join(folder, 'basis.json');
  const model = await PeftModel.fromPretrained(base, folder, existsSync(basis) ? { basis } : {});
  const { optimiser, batches }: Batches = await read('batches.json');
  const expected: number[] = await read(`${method}/losses.json`);

  const [rows, length] = [batches[0]!.labels.length, batches[0]!.inputIds[0]!.length];
  const vector = new ParameterVector(model.parameters);
  const step = await compileTrainStep(
    model,
    vector,
    (outputs, batch) => crossEntropy(outputs.logits!, batch.labels!),
    labelledTextSpec(rows, length),
    { training: false },
  );
  const adamw = new AdamW(vector.size, { weightDecay: optimiser.weightDecay });
  const losses: number[] = [];
  for (const { inputIds, attentionMask, labels } of batches) {
    const inputs = {
      inputIds: Int32Array.from(inputIds.flat()),
      attentionMask: Float32Array.from(attentionMask.flat()),
      labels: Int32Array.from(labels),
    };
    const { loss, gradient } = await step.run(vector.values, inputs, dropoutStep(0, 0));
    losses.push(loss);
    clipGradient(gradient, optimiser.maxGradNorm);
    adamw.update(vector.values, gradient, vector.ranges, (group) =>
      group === 'head' ? optimiser.headRate : optimiser.adapterRate,
    );
  }
  await step.program.dispose();
  // Adam divides by tiny roots at first, so that rounding grows from step to step.
  for (const [i, loss] of losses.entries())
    expect(Math.abs(loss - expected[i]!), `step ${i + 1}`).toBeLessThan(i < 5 ? 1e-4 : 2e-3);
});
