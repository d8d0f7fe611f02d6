/** Parity: one PSOFT training step of a small DeBERTa-v3, dropout on, on every executor from the same code. */
import { getPeftModel, PsoftConfig } from '@psoft/adapter';
import { labelledTextSpec } from '@psoft/datasets';
import { dropoutStep, type Executor, RandomStream } from '@psoft/engine';
import { crossEntropy, initialiseModel, modelFor } from '@psoft/models';
import { describe, expect, test } from 'vitest';
import { ParameterVector } from '../src/parameters.ts';
import { compileTrainStep } from '../src/programs.ts';

const CONFIG = {
  model_type: 'deberta-v2',
  vocab_size: 60,
  hidden_size: 32,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  intermediate_size: 64,
  hidden_act: 'gelu',
  hidden_dropout_prob: 0.1,
  attention_probs_dropout_prob: 0.1,
  max_position_embeddings: 32,
  max_relative_positions: -1,
  position_buckets: 8,
  relative_attention: true,
  norm_rel_ebd: 'layer_norm',
  share_att_key: true,
  pos_att_type: 'p2c|c2p',
  position_biased_input: false,
  type_vocab_size: 0,
  layer_norm_eps: 1e-7,
  initializer_range: 0.3,
  pad_token_id: 0,
  pooler_dropout: 0.1,
  pooler_hidden_act: 'gelu',
  pooler_hidden_size: 32,
  num_labels: 2,
};
const [BATCH, LENGTH] = [3, 12];

describe.each<[string, object]>([
  ['exact Cayley', {}],
  ['Neumann series', { useCayleyNeumann: true, numCayleyNeumannTerms: 5 }],
  ['adapter dropout', { psoftDropout: 0.2 }],
])('%s', (_, options) => {
  test('loss and gradient agree', async () => {
    const model = modelFor(
      'sequence-classification',
      CONFIG,
      initialiseModel('sequence-classification', CONFIG, 1),
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
    for (const executor of ['cpu', 'eager-wasm'] as const) {
      const { loss, gradient } = await run(executor);
      expect(Math.abs(loss - expected.loss), executor).toBeLessThan(1e-5);
      const worst = gradient.reduce((max, one, i) => Math.max(max, Math.abs(one - expected.gradient[i]!)), 0);
      // float32 through two layers, relative to the largest entry.
      expect(worst / largest, executor).toBeLessThan(1e-4);
    }
  });
});
