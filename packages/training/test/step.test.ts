/** Parity: one PSOFT training step of a small DeBERTa-v3, dropout on, on every executor from the same code. */
import { getPeftModel, PsoftConfig } from '@psoft/adapter';
import { labelledTextSpec } from '@psoft/datasets';
import { dropoutStep, type Executor, isExecutorInstalled, RandomStream } from '@psoft/engine';
import { crossEntropy, initialiseModel, modelFor } from '@psoft/models';
import { describe, expect, test } from 'vitest';
import { ParameterVector } from '../src/parameters.ts';
import { compileTrainStep } from '../src/programs.ts';
import { SMALL_DEBERTA } from './smallDeberta.ts';

const [BATCH, LENGTH] = [3, 12];

describe.each<[string, object]>([
  ['exact Cayley', {}],
  ['Neumann series', { useCayleyNeumann: true, numCayleyNeumannTerms: 5 }],
  ['adapter dropout', { psoftDropout: 0.2 }],
])('%s', (_, options) => {
  test.for([['cpu', 'eager-wasm'], ['eager-node']] as const)(
    'loss and gradient agree with tfjs on %s',
    async (executors, { skip }) => {
      skip(!executors.every(isExecutorInstalled), 'not installed');
      const model = modelFor(
        'sequence-classification',
        SMALL_DEBERTA,
        initialiseModel('sequence-classification', SMALL_DEBERTA, 1),
      );
      // Random R, so that no gradient is that of a special point.
      const config = new PsoftConfig({
        r: 6,
        psoftAlpha: 6,
        targetModules: 'all-linear',
        taskType: 'SEQ_CLS',
        initWeights: false,
        ...options,
      });
      const adapted = await getPeftModel(model, config, { seed: 3 });
      const vector = new ParameterVector(adapted.parameters);
      const rng = RandomStream.from(4, 'step test');
      const batch = {
        inputIds: Int32Array.from({ length: BATCH * LENGTH }, () => 1 + rng.integer(59)),
        attentionMask: Float32Array.from({ length: BATCH * LENGTH }, (_, i) =>
          i % LENGTH < 7 + (i % 3) ? 1 : 0,
        ),
        labels: Int32Array.of(0, 1, -1),
      };
      const run = async (executor: Executor) => {
        const step = await compileTrainStep(
          adapted,
          vector,
          (outputs, inputs) => crossEntropy(outputs.logits!, inputs.labels!),
          labelledTextSpec(BATCH, LENGTH),
          { executor },
        );
        const result = await step.run(vector.values, batch, dropoutStep(1, 9));
        await step.program.dispose();
        return result;
      };
      const expected = await run('eager-cpu');
      const largest = expected.gradient.reduce((max, one) => Math.max(max, Math.abs(one)), 0);
      expect(largest).toBeGreaterThan(1e-3);
      for (const executor of executors) {
        const { loss, gradient } = await run(executor);
        expect(Math.abs(loss - expected.loss), executor).toBeLessThan(1e-5);
        const worst = gradient.reduce(
          (max, one, i) => Math.max(max, Math.abs(one - expected.gradient[i]!)),
          0,
        );
        // float32 through two layers, relative to the largest entry.
        expect(worst / largest, executor).toBeLessThan(1e-4);
      }
    },
  );
});

test("the regularised form's penalty is part of loss and gradient", async () => {
  const model = modelFor(
    'sequence-classification',
    SMALL_DEBERTA,
    initialiseModel('sequence-classification', SMALL_DEBERTA, 1),
  );
  const settings = {
    r: 6,
    psoftAlpha: 6,
    psoftOrth: false,
    psoftMagA: false,
    psoftMagB: false,
    initWeights: false,
  };
  const gamma = 0.7;
  const stepOf = async (orthogonalityPenalty: number) => {
    const config = new PsoftConfig({ ...settings, orthogonalityPenalty, targetModules: 'all-linear' });
    const adapted = await getPeftModel(model, config, { seed: 3 });
    const vector = new ParameterVector(adapted.parameters);
    const step = await compileTrainStep(
      adapted,
      vector,
      (outputs, batch) => crossEntropy(outputs.logits!, batch.labels!),
      labelledTextSpec(BATCH, LENGTH),
      { training: false },
    );
    const rng = RandomStream.from(5, 'batch');
    const result = await step.run(
      vector.values,
      {
        inputIds: Int32Array.from({ length: BATCH * LENGTH }, () => rng.integer(60)),
        attentionMask: new Float32Array(BATCH * LENGTH).fill(1),
        labels: Int32Array.from({ length: BATCH }, () => rng.integer(2)),
      },
      dropoutStep(1, 1),
    );
    await step.program.dispose();
    return { ...result, vector };
  };
  const [plain, regularised] = [await stepOf(0), await stepOf(gamma)];
  // gamma times the mean over the 12 matrices of |E|, E = RᵀR - I; its gradient is gamma / 12 · 2 R E / |E|.
  const { offset, size } = plain.vector.ranges.find(({ name }) => name === 'psoft_R.weight')!;
  const count = size / 36;
  let penalty = 0;
  for (let module = 0; module < count; module++) {
    const r = plain.vector.values.subarray(offset + module * 36, offset + (module + 1) * 36);
    const excess = Float64Array.from({ length: 36 }, (_, at) => {
      const [i, j] = [Math.floor(at / 6), at % 6];
      let sum = i === j ? -1 : 0;
      for (let k = 0; k < 6; k++) sum += r[k * 6 + i]! * r[k * 6 + j]!;
      return sum;
    });
    const norm = Math.hypot(...excess);
    penalty += (gamma * norm) / count;
    for (let at = 0; at < 36; at++) {
      const [i, j] = [Math.floor(at / 6), at % 6];
      let slope = 0;
      for (let k = 0; k < 6; k++) slope += r[i * 6 + k]! * excess[k * 6 + j]!;
      const place = offset + module * 36 + at;
      expect(regularised.gradient[place]! - plain.gradient[place]!).toBeCloseTo(
        (2 * gamma * slope) / (count * norm),
        5,
      );
    }
  }
  expect(regularised.loss - plain.loss).toBeCloseTo(penalty, 5);
});
