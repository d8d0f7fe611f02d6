/** An update of several parts in one run of a program: what runs one after the other would sum to. */
import { getPeftModel, PsoftConfig } from '@psoft/adapter';
import { labelledTextSpec } from '@psoft/datasets';
import { type CompileOptions, dropoutStep, RandomStream } from '@psoft/engine';
import { crossEntropy, initialiseModel, modelFor } from '@psoft/models';
import { expect, test } from 'vitest';
import { ParameterVector } from '../src/parameters.ts';
import { compileTrainStep } from '../src/programs.ts';
import { SMALL_DEBERTA } from './smallDeberta.ts';

const CONFIG = { ...SMALL_DEBERTA, hidden_size: 16, intermediate_size: 32, pooler_hidden_size: 16 };
const [BATCH, LENGTH] = [2, 8];

test.each<[string, CompileOptions]>([
  ['float32', {}],
  ['16-bit products, recomputed', { precision: 'bf16', recompute: true }],
  ['16-bit floats, scaled', { precision: 'f16' }],
])('%s: loss and gradient are the sums of the parts’', async (_, options) => {
  const model = modelFor(
    'sequence-classification',
    CONFIG,
    initialiseModel('sequence-classification', CONFIG, 1),
  );
  const adapted = await getPeftModel(
    model,
    new PsoftConfig({ r: 4, targetModules: 'all-linear', taskType: 'SEQ_CLS', initWeights: false }),
  );
  const vector = new ParameterVector(adapted.parameters);
  const compiled = (parts: number) =>
    compileTrainStep(
      adapted,
      vector,
      (outputs, inputs) => crossEntropy(outputs.logits!, inputs.labels!),
      labelledTextSpec(BATCH, LENGTH),
      { ...options, parts },
    );
  const rng = RandomStream.from(3, 'parts');
  const parts = Array.from({ length: 2 }, (_, at) => ({
    batch: {
      inputIds: Int32Array.from({ length: BATCH * LENGTH }, () => rng.integer(60)),
      attentionMask: new Float32Array(BATCH * LENGTH).fill(1),
      labels: Int32Array.from({ length: BATCH }, () => rng.integer(2)),
    },
    dropout: dropoutStep(1, 4, at),
  }));
  const [one, several] = [await compiled(1), await compiled(3)];
  let loss = 0;
  const gradient = new Float32Array(vector.size);
  for (const { batch, dropout } of parts) {
    const result = await one.run(vector.values, batch, dropout, { gradientScale: 256 });
    loss += result.loss;
    for (let i = 0; i < gradient.length; i++) gradient[i]! += result.gradient[i]!;
  }
  // Fewer than it takes: the rest is left alone.
  const together = await several.runParts(vector.values, parts, { gradientScale: 256 });
  expect(Math.abs(together.loss / loss - 1)).toBeLessThan(1e-5);
  const largest = Math.max(...gradient.map(Math.abs));
  for (let i = 0; i < gradient.length; i++)
    if (!(Math.abs(together.gradient[i]! - gradient[i]!) <= 2e-5 * largest))
      expect.fail(`element ${i} is ${together.gradient[i]}, the parts sum to ${gradient[i]}`);
  await expect(several.runParts(vector.values, Array(4).fill(parts[0]))).rejects.toThrow(
    'a step takes 1 to 3 batches, got 4',
  );
  await Promise.all([one.program.dispose(), several.program.dispose()]);
});
