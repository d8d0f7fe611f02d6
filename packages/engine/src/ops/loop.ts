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
 * @param isDone bool scalar: no step at all; absent, there is at least one
 * @returns the state after the last step
 */
export function loop<Name extends string>(
  initial: Readonly<Record<Name, Tensor>>,
  steps: number,
  body: (state: Record<Name, Tensor>, step: Tensor) => LoopResult<Name>,
  isDone?: Tensor,
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
    const before = isDone ?? tf.scalar(false, 'bool');
    const outputs = recordLoop(inOrder(initial), before, steps, (state, step) => {
      const { state: next, isDone } = body(named(state), step);
      return { state: inOrder(next), isDone };
    });
    return named(outputs);
  }
  let state = inOrder(initial).map((tensor) => tf.clone(tensor));
  let stop = isDone !== undefined && isTrue(isDone);
  for (let step = 0; step < steps && !stop; step++) {
    const [last, ...next] = tf.tidy(() => {
      const result = body(named(state), tf.scalar(step, 'int32'));
      return [result.isDone, ...inOrder(result.state)].map((tensor) => tf.clone(tensor));
    }) as [Tensor, ...Tensor[]];
    for (const tensor of state) tensor.dispose();
    state = next;
    stop = isTrue(last);
    last.dispose();
  }
  return named(state);
}

function isTrue(scalar: Tensor): boolean {
  return scalar.dataSync()[0] !== 0;
}
