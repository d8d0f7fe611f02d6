/** Beam search over whole batches of tensors, with the rules of transformers' (its version 5). */
import { type Tensor, tf } from '@psoft/engine';
import type { ChoiceState, Choose } from './decode.ts';
import { isEnd, writeTokens } from './single.ts';
import type { DecodingOptions, Strategy } from './strategy.ts';

type BeamStrategy = Extract<Strategy, { kind: 'beam' }>;

/** Takes a sequence out of every comparison. */
const OUT = -1e9;

/**
 * running int32 [batch·beams, maxNewTokens] with its log-probabilities runningScores [batch, beams]; the best finished
 * ones so far, finished and scores alike, isFinished [batch, beams] 1 where there is one; isOpen [batch, 1] 0 where no
 * running one can become better.
 * @param idle int32 [batch]: 1 for prompts that only fill the batch
 */
export function startBeams(idle: Tensor, { beams }: BeamStrategy, options: DecodingOptions): ChoiceState {
  const { maxNewTokens, padId } = options;
  const batch = idle.shape[0]!;
  const none = () => tf.fill([batch * beams, maxNewTokens], padId, 'int32');
  // At first all beams of a prompt are the same one: only the first counts.
  const firstOnly = Float32Array.from({ length: batch * beams }, (_, i) => (i % beams === 0 ? 0 : OUT));
  return {
    running: none(),
    runningScores: tf.tensor(firstOnly, [batch, beams], 'float32'),
    sequences: none(),
    scores: tf.fill([batch, beams], OUT),
    isFinished: tf.zeros([batch, beams]),
    isOpen: tf.reshape(tf.sub(1, tf.cast(idle, 'float32')), [batch, 1]),
  };
}

/**
 * @param batch prompts
 * @param options.eosIds an end among the best `beams` continuations finishes a sequence
 */
export function chooseBeams(batch: number, strategy: BeamStrategy, options: DecodingOptions): Choose {
  const { beams, lengthPenalty = 1, earlyStopping = false } = strategy;
  const { eosIds, maxNewTokens } = options;
  // So many that, should all ends be among them, enough are left to go on with.
  const continuations = Math.max(2, 1 + eosIds.length) * beams;
  const isAmongBest = tf.tensor(
    Float32Array.from({ length: continuations }, (_, i) => (i < beams ? 1 : 0)),
    [1, continuations],
  );
  return (state, logits, step) => {
    const before = state;
    const words = logits.shape[1]!;
    const logProbabilities = tf.sub(logits, tf.logSumExp(logits, 1, true));
    const sums = tf.add(
      tf.reshape(logProbabilities, [batch, beams, words]),
      tf.expandDims(before.runningScores!, 2),
    );
    const { values: best, indices } = tf.topk(tf.reshape(sums, [batch, beams * words]), continuations);
    const fromBeam = tf.floorDiv(indices, tf.scalar(words, 'int32'));
    const token = tf.sub(indices, tf.mul(fromBeam, tf.scalar(words, 'int32')));
    const parents = gatherBeams(before.running!, fromBeam, batch);
    const longer = writeTokens(parents, tf.reshape(token, [-1]), step);

    const count = tf.add(tf.cast(step, 'float32'), 1);
    const isLast = tf.cast(tf.greaterEqual(count, maxNewTokens), 'float32');
    const ends = tf.maximum(tf.cast(isEnd(token, eosIds), 'float32'), isLast);
    const goingOn = tf.topk(tf.add(best, tf.mul(ends, OUT)), beams);
    const running = gatherBeams(longer, goingOn.indices, batch);
    const nextToken = tf.reshape(pickColumns(token, goingOn.indices), [-1]);
    const nextFrom = pickColumns(fromBeam, goingOn.indices);
    const row = tf.add(
      nextFrom,
      tf.mul(tf.range(0, batch, 1, 'int32').reshape([batch, 1]), tf.scalar(beams, 'int32')),
    );

    const justFinished = tf.mul(ends, isAmongBest);
    const isFull = tf.min(before.isFinished!, 1, true);
    const barred = [
      tf.sub(1, before.isOpen!),
      tf.sub(1, justFinished),
      ...(earlyStopping ? [isFull] : []),
    ].reduce((a, b) => tf.add(a, b));
    const candidates = tf.add(tf.div(best, tf.pow(count, lengthPenalty)), tf.mul(barred, OUT));
    const merged = tf.concat([before.scores!, candidates], 1);
    const { values: scores, indices: chosen } = tf.topk(merged, beams);
    const isFinished = pickColumns(tf.concat([before.isFinished!, justFinished], 1), chosen);
    const pool = tf.concat(
      [
        tf.reshape(before.sequences!, [batch, beams, maxNewTokens]),
        tf.reshape(longer, [batch, continuations, maxNewTokens]),
      ],
      1,
    );
    const sequences = gatherBeams(tf.reshape(pool, [-1, maxNewTokens]), chosen, batch);

    // What the best running one would score if it ended now, against the worst finished one.
    const bestRunning = tf.div(tf.slice(goingOn.values, [0, 0], [batch, 1]), tf.pow(count, lengthPenalty));
    const worst = tf.add(tf.mul(tf.min(scores, 1, true), isFinished), tf.mul(tf.sub(1, isFinished), OUT));
    const canImprove = tf.max(tf.cast(tf.greater(bestRunning, worst), 'float32'), 1, true);
    const isOpen = tf.mul(before.isOpen!, canImprove);
    const stops = [
      tf.equal(tf.max(isOpen), 0),
      tf.equal(tf.min(ends), 1),
      ...(earlyStopping ? [tf.equal(tf.min(tf.maximum(isFinished, tf.sub(1, isOpen))), 1)] : []),
    ].reduce((a, b) => tf.logicalOr(a, b));
    return {
      state: { running, runningScores: goingOn.values, sequences, scores, isFinished, isOpen },
      token: nextToken,
      source: tf.reshape(row, [-1]),
      isDone: stops,
    };
  };
}

/** Rows of [batch·n, width] by their places among a prompt's n: indices int32 [batch, k] -> [batch·k, width]. */
function gatherBeams(x: Tensor, indices: Tensor, batch: number): Tensor {
  const n = x.shape[0]! / batch;
  const starts = tf.mul(tf.reshape(tf.range(0, batch, 1, 'int32'), [batch, 1]), tf.scalar(n, 'int32'));
  return tf.gather(x, tf.reshape(tf.add(indices, starts), [-1]) as never) as Tensor;
}

/** Elements of [batch, n] by their columns, [batch, k] -> [batch, k]. */
function pickColumns(x: Tensor, indices: Tensor): Tensor {
  const batch = x.shape[0]!;
  return tf.reshape(gatherBeams(tf.reshape(x, [-1, 1]), indices, batch), indices.shape);
}
