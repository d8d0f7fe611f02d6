/** The loop that all strategies share: feed the chosen tokens, keep the keys and values, choose again. */
import { type Bindings, loop, type Tensor, type TensorMap, type TrainableModel, tf } from '@psoft/engine';

/** What a strategy carries from token to token. */
export type ChoiceState = Readonly<Record<string, Tensor>>;

export interface Choice {
  readonly state: ChoiceState;
  /** int32 [rows]: what is fed next */
  readonly token: Tensor;
  /** int32 [rows]: the row that each row goes on from; absent: its own */
  readonly source?: Tensor;
  /** bool scalar: all is finished */
  readonly isDone: Tensor;
}

/** Chooses the tokens of place `step` (int32 scalar, from 0) from logits [rows, vocabulary]. */
export type Choose = (state: ChoiceState, logits: Tensor, step: Tensor) => Choice;

export interface Prompts {
  /** int32 [batch, length], padded on the left */
  readonly inputIds: Tensor;
  /** float32 [batch, length] */
  readonly attentionMask: Tensor;
}

/** Places for new tokens grow by doubling from here: attention then looks at few empty ones. */
const FIRST_CAPACITY = 64;

/**
 * Runs the model over the prompts, then token by token until all is finished.
 * @param copies rows for each prompt (beams)
 * @returns the strategy's last state
 */
export function decode(
  model: TrainableModel,
  bindings: Bindings,
  { inputIds, attentionMask }: Prompts,
  copies: number,
  maxNewTokens: number,
  initial: ChoiceState,
  choose: Choose,
): ChoiceState {
  const length = inputIds.shape[1]!;
  const columns = tf.tensor1d([length - 1], 'int32');
  const { logits, ...cache } = model.forward(bindings, { inputIds, attentionMask, columns });
  const prompt: TensorMap = { attentionMask: repeat(attentionMask, copies) };
  for (const [name, tensor] of Object.entries(cache)) {
    const perPrompt = tensor.shape[0]! / inputIds.shape[0]!;
    prompt[`prompt${name[0]!.toUpperCase()}${name.slice(1)}`] = repeat(tensor, copies, perPrompt);
  }
  const words = logits!.shape[2]!;
  const first = repeat(tf.reshape(logits!, [-1, words]), copies);
  const start = choose(initial, first, tf.scalar(0, 'int32'));
  let state = start.state;
  let token = start.token;
  let isDone = start.isDone;
  let kept: TensorMap = {};
  let taken = 0;
  for (const capacity of capacities(maxNewTokens - 1)) {
    kept =
      taken === 0
        ? mapTensors(cache, (x) => tf.zeros([x.shape[0]! * copies, capacity, x.shape[2]!]))
        : mapTensors(kept, (x) =>
            tf.pad(x, [
              [0, 0],
              [0, capacity - taken],
              [0, 0],
            ]),
          );
    const [names, cacheNames] = [Object.keys(state), Object.keys(kept)];
    const offset = taken;
    const end = loop(
      { ...state, ...kept, token, finished: tf.cast(isDone, 'int32') },
      capacity - taken,
      (now, at) => {
        const step = tf.add(at, tf.scalar(offset, 'int32'));
        const inputs = { inputIds: tf.expandDims(now.token!, 1), step, ...prompt, ...pick(now, cacheNames) };
        const { logits, ...grown } = model.forward(bindings, inputs);
        const next = tf.add(step, tf.scalar(1, 'int32'));
        const choice = choose(pick(now, names), tf.reshape(logits!, [-1, words]), next);
        const { source } = choice;
        const followed = source === undefined ? grown : mapTensors(grown, (x) => gatherRows(x, source));
        return {
          state: {
            ...choice.state,
            ...followed,
            token: choice.token,
            finished: tf.cast(choice.isDone, 'int32'),
          },
          isDone: choice.isDone,
        };
      },
      isDone,
    );
    state = pick(end, names);
    kept = pick(end, cacheNames);
    token = end.token!;
    isDone = tf.cast(end.finished!, 'bool');
    taken = capacity;
  }
  return state;
}

/** Growing numbers of places, the last of them exactly `needed`. */
export function capacities(needed: number): number[] {
  const sizes: number[] = [];
  for (let size = FIRST_CAPACITY; size < needed; size *= 2) sizes.push(size);
  return needed > 0 ? [...sizes, needed] : [];
}

function pick(all: Readonly<Record<string, Tensor>>, names: readonly string[]): Record<string, Tensor> {
  return Object.fromEntries(names.map((name) => [name, all[name]!]));
}

function mapTensors(tensors: TensorMap, change: (tensor: Tensor) => Tensor): TensorMap {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, change(tensor)]));
}

/** Each group of `size` rows `copies` times, the copies one after the other. */
function repeat(x: Tensor, copies: number, size = 1): Tensor {
  if (copies === 1) return x;
  const [rows, ...rest] = x.shape as [number, ...number[]];
  const width = rest.reduce((a, b) => a * b, size);
  const tiled = tf.tile(tf.reshape(x, [rows / size, 1, width]), [1, copies, 1]);
  return tf.reshape(tiled, [rows * copies, ...rest]);
}

/** Rows of a cache [rows·heads, n, size] in the order of `source` [rows]. */
function gatherRows(x: Tensor, source: Tensor): Tensor {
  const flat = tf.reshape(x, [source.shape[0]!, -1]);
  return tf.reshape(tf.gather(flat, source as never) as Tensor, x.shape);
}
