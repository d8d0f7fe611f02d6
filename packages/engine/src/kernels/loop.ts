/** A bounded loop inside the graph, so that what it carries stays where the graph runs. */
import { type GraphNode, typeText, type Value } from '../ir/graph.ts';
import type { LoopBody } from '../ir/loopBody.ts';
import { lowerBody } from '../onnx/loopBody.ts';
import { attr, type Kernel, type KernelTable } from './kernel.ts';

/** The parts of a `Loop` node, whose inputs are: whether to do nothing, the state, what the body reads from outside. */
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
      const given = inputs[i + 1];
      if (given === undefined || typeText(given) !== typeText(value))
        throw new Error(`input ${i + 1} must be ${typeText(value)}`);
    });
    next.forEach((value, i) => {
      if (typeText(value) !== typeText(declared[i]!))
        throw new Error(`state ${i} starts as ${typeText(declared[i]!)} and becomes ${typeText(value)}`);
    });
    return next.map(({ shape, dtype }) => ({ shape, dtype }));
  },
  lower: (node, onnx) => {
    const { steps, next } = loopParts(node);
    const [isDone, ...rest] = node.inputs as [Value, ...Value[]];
    const body = lowerBody(node, onnx);
    const goOn = onnx.emit('Not', [onnx.name(isDone)]);
    const inputs = [onnx.intScalar(steps), goOn, ...onnx.names(rest.slice(0, next.length))];
    const outputs = onnx.emitMany('Loop', inputs, next.length, { body: { graph: body } });
    node.outputs.forEach((value, i) => {
      onnx.bind(value, outputs[i]!);
    });
  },
};

export const loops: KernelTable = { Loop };
