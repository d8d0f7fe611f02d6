import { type Tensor, tf } from '../tf.ts';
import { isTracing, recordLoop } from '../trace/backend.ts';

/** What a step of a {@link loop} leaves. */
export interface LoopResult<Name extends string> {
  /** Under the names, and of the types, that it came with. */
  readonly state: Readonly<Record<Name, Tensor>>;
  /** bool scalar: no further step. */
  readonly isDone: Tensor;
}

/**
 * Repeats `body` until it says that it is done, at most `steps` times. In a compiled program this is one node, and
 * what it carries stays where the program runs; eagerly it is a loop. Without a gradient.
 * @param initial the state before the first step
 * @param body is given the state and the number of the step, an int32 scalar from 0; it may read any tensor around it
 * @returns the state after the last step
 */
export function loop<Name extends string>(
  initial: Readonly<Record<Name, Tensor>>,
  steps: number,
  body: (state: Record<Name, Tensor>, step: Tensor) => LoopResult<Name>,
): Record<Name, Tensor> {
  type State = Record<Name, Tensor>;
  const names = Object.keys(initial) as Name[];
  const named = (tensors: readonly Tensor[]) =>
    Object.fromEntries(names.map((name, i) => [name, tensors[i]!])) as State;
  const inOrder = (state: Readonly<State>) =>
    names.map((name): Tensor => {
      const tensor = state[name] as Tensor | undefined;
      if (tensor === undefined) throw new Error(`a loop's step must return its state "${name}"`);
      return tensor;
    });
  if (isTracing()) {
    const outputs = recordLoop(inOrder(initial), steps, (state, step) => {
      const { state: next, isDone } = body(named(state), step);
      return { state: inOrder(next), isDone };
    });
    return named(outputs);
  }
  let state = inOrder(initial).map((tensor) => tf.clone(tensor));
  for (let step = 0; step < steps; step++) {
    const [isDone, ...next] = tf.tidy(() => {
      const result = body(named(state), tf.scalar(step, 'int32'));
      return [result.isDone, ...inOrder(result.state)].map((tensor) => tf.clone(tensor));
    }) as [Tensor, ...Tensor[]];
    for (const tensor of state) tensor.dispose();
    state = next;
    const stop = isDone.dataSync()[0] !== 0;
    isDone.dispose();
    if (stop) break;
  }
  return named(state);
}
