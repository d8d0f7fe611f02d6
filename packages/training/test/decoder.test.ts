/**
 * A small Llama fine-tuned from the adapter that PEFT saved before the first step, each step of two accumulated
 * micro-batches: losses as torch's, and the trained model says what PEFT's says. Fixtures by
 * tools/reference/decoder_trajectory.py.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { PeftModel } from '@psoft/adapter';
import { dropoutStep, openCheckpoint } from '@psoft/engine';
import { modelFor } from '@psoft/models';
import { expect, test } from 'vitest';
import { Generator } from '../src/generate/index.ts';
import { AdamW, clipGradient } from '../src/optimiser.ts';
import { ParameterVector } from '../src/parameters.ts';
import { compileTrainStep } from '../src/programs.ts';
import { trainSelected } from '../src/trainable.ts';

const FOLDER = path.join(import.meta.dirname, 'fixtures', 'decoder');
const read = async (name: string) => JSON.parse(await readFile(path.join(FOLDER, name), 'utf8'));

interface Batches {
  readonly optimiser: { adapterRate: number; weightDecay: number; maxGradNorm: number };
  readonly prompts: number[][];
  readonly newTokens: number;
  readonly end: number;
  readonly batches: { inputIds: number[][]; labels: number[][] }[][];
}

test.each(['psoft', 'lora'])('%s', async (method) => {
  const { config, weights } = await openCheckpoint(FOLDER);
  const folder = path.join(FOLDER, method);
  const basis = path.join(folder, 'basis.json');
  const model = await PeftModel.fromPretrained(
    modelFor('causal-lm', config, weights),
    folder,
    existsSync(basis) ? { basis } : {},
  );
  const { optimiser, batches, prompts, newTokens, end }: Batches = await read('batches.json');
  const expected: number[] = await read(`${method}/losses.json`);

  const shape = [batches[0]![0]!.inputIds.length, batches[0]![0]!.inputIds[0]!.length];
  const vector = new ParameterVector(model.parameters);
  const step = await compileTrainStep(
    model,
    vector,
    (outputs) => outputs.loss!,
    {
      inputIds: { shape, dtype: 'int32' },
      labels: { shape, dtype: 'int32' },
      lossScale: { shape: [], dtype: 'float32' },
    },
    { training: false },
  );
  const adamw = new AdamW(vector.size, { weightDecay: optimiser.weightDecay });
  const losses: number[] = [];
  for (const parts of batches) {
    const counted = parts
      .flatMap(({ labels }) => labels.flatMap((row) => row.slice(1)))
      .filter((id) => id >= 0);
    const sum = new Float32Array(vector.size);
    let total = 0;
    for (const { inputIds, labels } of parts) {
      const inputs = {
        inputIds: Int32Array.from(inputIds.flat()),
        labels: Int32Array.from(labels.flat()),
        lossScale: Float32Array.of(1 / counted.length),
      };
      const { loss, gradient } = await step.run(vector.values, inputs, dropoutStep(0, 0));
      total += loss;
      for (const [i, value] of gradient.entries()) sum[i]! += value;
    }
    losses.push(total);
    clipGradient(sum, optimiser.maxGradNorm);
    adamw.update(vector.values, sum, vector.ranges, () => optimiser.adapterRate);
  }
  await step.program.dispose();
  for (const [i, loss] of losses.entries())
    expect(Math.abs(loss - expected[i]!), `step ${i + 1}`).toBeLessThan(i < 5 ? 1e-4 : 2e-3);

  vector.writeThrough();
  const merged = await trainSelected(await model.mergeAndUnload(), () => undefined);
  for (const trained of [model, merged]) {
    const generator = new Generator(trained, {
      strategy: { kind: 'greedy' },
      maxNewTokens: newTokens,
      eosIds: [end],
      padId: 0,
      batchSize: 2,
      promptBuckets: [4],
    });
    const said = await generator.generate(prompts.map((ids) => Int32Array.from(ids)));
    await generator.dispose();
    expect(said.map(({ ids }) => [...ids])).toEqual(await read(`${method}/generations.json`));
  }
});
