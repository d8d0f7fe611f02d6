/** A bounded loop inside the graph, so that what it carries stays where the graph runs. */
import { type GraphNode, typeText, type Value } from '../ir/graph.ts';
import type { LoopBody } from '../ir/loopBody.ts';
import { lowerBody } from '../onnx/loopBody.ts';
import { attr, type Kernel, type KernelTable } from './kernel.ts';

/** The parts of a `Loop` node: state first among the inputs, then what the body reads from outside. */
export function loopParts(node: GraphNode) {
  const { graph } = attr<LoopBody>(node, 'body');
  const [step, ...inputs] = [...graph.inputs.values()] as [Value, ...Value[]];
  const [isDone, ...next] = [...graph.outputs.values()] as [Value, ...Value[]];
  return { graph, step, inputs, isDone, next, steps: attr<number>(node, 'steps') };
}

const Loop: Kernel = {
  infer: (inputs, attrs) => {
    const { graph } = attrs.body as LoopBody;
    const [, ...declared] = graph.inputs.values();
    const [, ...next] = graph.outputs.values();
    declared.forEach((value, i) => {
      if (inputs[i] === undefined || typeText(inputs[i]) !== typeText(value))
        throw new Error(`input ${i} must be ${typeText(value)}`);
    });
    next.forEach((value, i) => {
      if (typeText(value) !== typeText(declared[i]!))
        throw new Error(`state ${i} starts as ${typeText(declared[i]!)} and becomes ${typeText(value)}`);
    });
    return next.map(({ shape, dtype }) => ({ shape, dtype }));
  },
  lower: (node, onnx) => {
    const { steps, next } = loopParts(node);
    const states = node.inputs.slice(0, next.length);
    const body = lowerBody(node, onnx);
    const inputs = [onnx.intScalar(steps), '', ...onnx.names(states)];
    const outputs = onnx.emitMany('Loop', inputs, states.length, { body: { graph: body } });
    node.outputs.forEach((value, i) => {
      onnx.bind(value, outputs[i]!);
    });
  },
};

export const loops: KernelTable = { Loop };
