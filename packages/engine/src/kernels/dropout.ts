/** Which rows of the pool of random draws the masks of a step take. See `ops/dropout.ts`. */
import type { GraphNode } from '../ir/graph.ts';
import { tf } from '../tf.ts';
import type { CompositeKernel } from './kernel.ts';

/** One mask: its rows are (a factor i + b + shift) mod the pool's rows, i = 0, 1, ..., for a step (a, b). */
export interface MaskRows {
  readonly factor: number;
  readonly shift: number;
  /** How many. */
  readonly rows: number;
}

export interface DropoutRowsAttributes {
  /** A prime; its square fits an int32. */
  readonly poolRows: number;
  readonly masks: readonly MaskRows[];
}

export const maskAttributes = ({ attrs }: Pick<GraphNode, 'attrs'>) =>
  attrs as unknown as DropoutRowsAttributes;

/** Of all masks, one after the other: factor i mod the pool's rows, and the shift. */
function placesOf({ masks, poolRows }: DropoutRowsAttributes): { walk: Int32Array; shifts: Int32Array } {
  const total = masks.reduce((sum, { rows }) => sum + rows, 0);
  const walk = new Int32Array(total);
  const shifts = new Int32Array(total);
  let at = 0;
  for (const { factor, shift, rows } of masks)
    for (let i = 0; i < rows; i++, at++) {
      walk[at] = (i * factor) % poolRows;
      shifts[at] = shift;
    }
  return { walk, shifts };
}

/** The rows of every mask, int32 [rows] each, from the step's two numbers, int32 [2]. */
const DropoutRows: CompositeKernel = {
  args: ['step'],
  infer: (_, attrs) => maskAttributes({ attrs }).masks.map(({ rows }) => ({ shape: [rows], dtype: 'int32' })),
  lower: (node, onnx) => {
    const attributes = maskAttributes(node);
    const { walk, shifts } = placesOf(attributes);
    const step = onnx.name(node.inputs[0]!);
    const [multiplier, offset] = onnx.emitMany('Split', [step, onnx.ints([1, 1])], 2, { axis: 0 }) as [
      string,
      string,
    ];
    const vector = (data: Int32Array) => onnx.constant(data, [data.length]);
    const product = onnx.emit('Mul', [vector(walk), multiplier]);
    const sum = onnx.emit('Add', [product, onnx.emit('Add', [vector(shifts), offset])]);
    const rows = onnx.emit('Mod', [sum, onnx.scalar(attributes.poolRows, 'int32')]);
    const counts = attributes.masks.map((mask) => mask.rows);
    const parts =
      counts.length === 1
        ? [rows]
        : onnx.emitMany('Split', [rows, onnx.ints(counts)], counts.length, { axis: 0 });
    node.outputs.forEach((value, i) => {
      onnx.bind(value, parts[i]!);
    });
  },
  eager: ({ step }, attrs) => {
    const attributes = maskAttributes({ attrs });
    const { walk, shifts } = placesOf(attributes);
    const [multiplier, offset] = tf.split(step!, 2);
    const sum = tf.add(
      tf.mul(tf.tensor1d(walk, 'int32'), multiplier!),
      tf.add(tf.tensor1d(shifts, 'int32'), offset!),
    );
    const size = tf.scalar(attributes.poolRows, 'int32');
    const rows = tf.sub(sum, tf.mul(tf.floorDiv(sum, size), size));
    const counts = attributes.masks.map((mask) => mask.rows);
    return counts.length === 1 ? [rows] : tf.split(rows, counts);
  },
};

export const dropoutKernels = { DropoutRows } as const;
