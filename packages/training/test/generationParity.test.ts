/**
 * Generation token by token as transformers': small random Llamas and OPTs, prompts padded on the left. Fixtures by
 * tools/reference/causal_lm.py.
 */
import { type TrainableModel, tf, useBackend } from '@psoft/engine';
import { modelFor } from '@psoft/models';
import { beforeAll, describe, expect, test } from 'vitest';
import { cases, causalWeights } from '../../models/test/causalFixture.ts';
import { Generator, type Strategy } from '../src/generate/index.ts';
import { drawToken } from '../src/generate/single.ts';
import { trainSelected } from '../src/trainable.ts';

describe.each(cases.map((one) => [one.name, one] as const))('%s', (_, { config, generations, ...one }) => {
  const { eosIds, padId, newTokens, prompts } = generations;
  let model: TrainableModel;
  beforeAll(async () => {
    model = await trainSelected(
      modelFor('causal-lm', config, causalWeights({ config, generations, ...one })),
      () => undefined,
    );
  });

  async function generate(strategy: Strategy, executor?: 'eager-cpu') {
    const generator = new Generator(model, {
      strategy,
      maxNewTokens: newTokens,
      eosIds,
      padId,
      batchSize: prompts.length,
      promptBuckets: [Math.max(...prompts.map(({ length }) => length))],
      ...(executor === undefined ? {} : { executor }),
    });
    const said = await generator.generate(prompts.map((ids) => Int32Array.from(ids)));
    await generator.dispose();
    return said.map(({ ids, ...rest }) => ({ ids: [...ids], ...rest }));
  }

  test.each([undefined, 'eager-cpu'] as const)('greedy, executor %s', async (executor) => {
    expect(await generate({ kind: 'greedy' }, executor)).toEqual(generations.greedy);
  });

  test.each(
    generations.beams.map(
      (beam) =>
        [`${beam.beams} beams, penalty ${beam.lengthPenalty}, early ${beam.earlyStopping}`, beam] as const,
    ),
  )('%s', async (_, { results, ...settings }) => {
    const said = await generate({ kind: 'beam', ...settings });
    expect(said.map(({ score: _, ...rest }) => rest)).toEqual(
      results.map(([best]) => ({ ids: best!.ids, finished: best!.finished })),
    );
    said.forEach(({ score }, i) => {
      expect(score).toBeCloseTo(results[i]![0]!.score, 5);
    });
  });

  test('what sampling draws from', async () => {
    await useBackend('eager-cpu');
    tf.tidy(() => {
      const weights = causalWeights({ config, generations, ...one });
      const tensors = Object.fromEntries(
        [...weights].map(([name, { data, shape }]) => [name, tf.tensor(data, [...shape])]),
      );
      prompts.forEach((prompt, row) => {
        const { logits } = model.forward(
          { weights: tensors, parameters: {} },
          {
            inputIds: tf.tensor2d([prompt], undefined, 'int32'),
            columns: tf.tensor1d([prompt.length - 1], 'int32'),
          },
        );
        const flat = tf.reshape(logits!, [1, -1]);
        for (const { temperature, topK, topP, logProbabilities } of generations.sampling) {
          const strategy = { kind: 'sample', temperature, topP, seed: 0 } as const;
          // Tokens in falling order of probability: the draws just before and behind each border.
          const expected = logProbabilities[row]!.flatMap((x, id) => (x === null ? [] : [[Math.exp(x), id]]));
          expected.sort(([a], [b]) => b! - a!);
          let border = 0;
          for (const [probability, id] of expected) {
            for (const draw of [border + 1e-5, border + probability! - 1e-5]) {
              if (probability! < 2e-5) continue;
              const token = drawToken(
                flat,
                tf.tensor2d([[draw]]),
                topK === 0 ? strategy : { ...strategy, topK },
              );
              expect(token.dataSync()[0], `prompt ${row}, ${temperature}, draw ${draw}`).toBe(id);
            }
            border += probability!;
          }
          expect(border).toBeCloseTo(1, 5);
        }
      });
    });
  });
});
