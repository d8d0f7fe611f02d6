/**
 * Weights in 4 or 16 bits inside a model. A product of the model's own way forward with a weight in 4 bits is one
 * `MatMulNBits`, where ONNX Runtime may lay that out. Any other reader gets float32 values of its own; a product takes
 * them some rows at a time, so that no more than `PIECE_BYTES` are there at once.
 */
import type { GraphNode, Value } from '../ir/graph.ts';
import { isForward, isPieceable, type NarrowWeight, type Piece, piecesOf } from '../memory/narrow.ts';
import type { ByteRange, QuantizedWeight, WeightDtype, WeightReference } from '../weights/source.ts';
import type { Half, OnnxBuilder } from './builder.ts';
import { HALF_TYPE, type OnnxInitializer, OnnxType } from './proto.ts';

export const WEIGHT_TYPE: Readonly<Record<WeightDtype, OnnxType>> = {
  F32: OnnxType.FLOAT,
  F16: OnnxType.FLOAT16,
  BF16: OnnxType.BFLOAT16,
};

/** A narrow weight as the nodes of a model read it. */
export interface NarrowTensor {
  /** Its name in the model: "weight:model.layers.0.mlp.up_proj.weight". */
  readonly name: string;
  readonly source: NarrowWeight;
  /** Where bytes of a file lie for the session. */
  readonly external: (file: string, offset: number, length: number) => OnnxInitializer['content'];
  /** Whether products forward leave 4 bits as they are: fast once ONNX Runtime has laid them out, slow otherwise. */
  readonly isPacked: boolean;
  /** 16-bit type that the float32 values are rounded to. */
  readonly roundTo?: 'bf16' | 'f16';
}

/** Declares that `value` is this weight. What reads it otherwise than in a product gets all of it in float32. */
export function bindNarrow(value: Value, weight: NarrowTensor, onnx: OnnxBuilder): void {
  onnx.bindNarrow(value, weight, (reader) => widened(reader, weight, wholeOf(weight)));
}

/** The 16-bit numbers of a value that has no others: as stored, as rounded, or cast, which loses nothing. */
export function halfOf(value: Value, type: 'bf16' | 'f16', onnx: OnnxBuilder): string {
  const to = HALF_TYPE[type];
  const weight = onnx.narrow(value);
  if (weight?.source.kind === 'file' && WEIGHT_TYPE[weight.source.dtype] === to)
    return declareHalf(onnx, weight, weight.source, wholeOf(weight));
  return onnx.half(value)?.name ?? onnx.emit('Cast', [onnx.name(value)], { to });
}

/** The 16-bit numbers that a value was stored or made in, if it was. */
export function storedHalf(value: Value, onnx: OnnxBuilder): Half | undefined {
  const weight = onnx.narrow(value);
  if (weight === undefined) return onnx.half(value);
  if (weight.source.kind !== 'file' || weight.roundTo !== undefined) return undefined;
  const name = declareHalf(onnx, weight, weight.source, wholeOf(weight));
  return { name, type: WEIGHT_TYPE[weight.source.dtype] };
}

/** Values of one 16-bit type side by side, in that type; undefined where one of them is in none. */
export function joinedHalves(values: readonly Value[], axis: number, onnx: OnnxBuilder): Half | undefined {
  if (!onnx.target.multipliesHalves) return undefined;
  const halves = values.map((value) => storedHalf(value, onnx));
  const [first] = halves;
  if (first === undefined || halves.some((half) => half?.type !== first.type)) return undefined;
  const names = halves.map((half) => half!.name);
  return { name: onnx.emit('Concat', names, { axis }), type: first.type };
}

/** Rows of a narrow table picked by index, and widened then; undefined where the table is none in 16 bits. */
export function pickedRows(x: Value, indices: string, axis: number, onnx: OnnxBuilder): string | undefined {
  const weight = onnx.narrow(x);
  if (weight?.source.kind !== 'file') return undefined;
  const table = declareHalf(onnx, weight, weight.source, wholeOf(weight));
  return rounded(onnx, weight, onnx.cast(onnx.emit('Gather', [table, indices], { axis }), 'float32'));
}

/**
 * The product of a node whose right operand is narrow: x Wᵀ or dy W, without bias.
 * @returns undefined for what is no such product
 */
export function narrowProduct(node: GraphNode, onnx: OnnxBuilder): string | undefined {
  const [a, b] = node.inputs as [Value, Value];
  const weight = onnx.narrow(b);
  if (weight === undefined || !isPieceable(node)) return undefined;
  if (!isForward(node)) return backward(onnx.name(a), weight, onnx);
  const { source, isPacked, roundTo } = weight;
  if (source.kind !== 'quantized' || !isPacked || roundTo !== undefined)
    return forward(onnx.name(a), weight, onnx);
  const [rows, columns] = source.shape;
  const whole = wholeOf(weight);
  const blocks = columns / source.blockSize;
  const q = declare(
    onnx,
    weight,
    'packed',
    OnnxType.UINT8,
    [blocks, source.blockSize / 2],
    source.packed,
    whole,
  );
  const zeros = declare(onnx, weight, 'zeroBytes', OnnxType.UINT8, [blocks / 2], source.zeroPoints, whole);
  const inputs = [onnx.name(a), q, scalesOf(onnx, weight, source, whole), zeros];
  const attributes = { K: columns, N: rows, bits: 4, block_size: source.blockSize };
  return onnx.emit('MatMulNBits', inputs, attributes, 'com.microsoft');
}

/** x Wᵀ: each piece of rows of W gives some columns. */
function forward(x: string, weight: NarrowTensor, onnx: OnnxBuilder): string {
  const columns = piecesOfTensor(weight).map((piece) =>
    onnx.emit('Gemm', [x, widened(onnx, weight, piece)], { transB: 1 }),
  );
  return columns.length === 1 ? columns[0]! : onnx.emit('Concat', columns, { axis: 1 });
}

/** dy W: the sum over pieces of rows of W, each with its columns of dy. */
function backward(dy: string, weight: NarrowTensor, onnx: OnnxBuilder): string {
  const pieces = piecesOfTensor(weight);
  const own = ({ first, rows }: Piece) =>
    pieces.length === 1
      ? dy
      : onnx.emit('Slice', [dy, onnx.ints([first]), onnx.ints([first + rows]), onnx.ints([1])]);
  let sum: string | undefined;
  for (const piece of pieces) {
    const operands = [own(piece), widened(onnx, weight, piece)];
    sum = onnx.emit('Gemm', sum === undefined ? operands : [...operands, sum]);
  }
  return sum!;
}

const piecesOfTensor = ({ source }: NarrowTensor) => piecesOf(source.shape as readonly [number, number]);

const wholeOf = ({ source }: NarrowTensor): Piece => ({ first: 0, rows: source.shape[0] ?? 1 });

/** Rows of a weight in float32, made for one reader: one copy for all would stay from the first to the last. */
function widened(onnx: OnnxBuilder, weight: NarrowTensor, piece: Piece): string {
  const { source } = weight;
  if (source.kind === 'file')
    return rounded(onnx, weight, onnx.cast(declareHalf(onnx, weight, source, piece), 'float32'));
  const columns = source.shape[1];
  const blocks = columns / source.blockSize;
  const q = declare(onnx, weight, 'values', OnnxType.UINT4, [columns], source.packed, piece);
  const zeros = declare(onnx, weight, 'zeros', OnnxType.UINT4, [blocks], source.zeroPoints, piece);
  const inputs = [q, scalesOf(onnx, weight, source, piece), zeros];
  const attributes = { axis: 1, block_size: source.blockSize };
  return rounded(onnx, weight, onnx.emit('DequantizeLinear', inputs, attributes));
}

function rounded(onnx: OnnxBuilder, { roundTo }: NarrowTensor, exact: string): string {
  if (roundTo === undefined) return exact;
  const to = HALF_TYPE[roundTo];
  return onnx.cast(onnx.emit('Cast', [exact], { to }), 'float32');
}

function scalesOf(onnx: OnnxBuilder, weight: NarrowTensor, source: QuantizedWeight, piece: Piece): string {
  const { scales } = source;
  const type = WEIGHT_TYPE[scales.dtype];
  const stored = declare(onnx, weight, 'scales', type, scales.shape.slice(1), scales, piece);
  return type === OnnxType.FLOAT ? stored : onnx.cast(stored, 'float32');
}

function declareHalf(onnx: OnnxBuilder, weight: NarrowTensor, source: WeightReference, piece: Piece): string {
  return declare(onnx, weight, '', WEIGHT_TYPE[source.dtype], source.shape.slice(1), source, piece);
}

/** An initialiser that stands for some rows of a part of a weight: an offset into the file, nothing is sliced. */
function declare(
  onnx: OnnxBuilder,
  { name, source, external }: NarrowTensor,
  part: string,
  type: OnnxType,
  rowShape: readonly number[],
  { file, offset, byteLength }: ByteRange,
  { first, rows }: Piece,
): string {
  const all = source.shape[0] ?? 1;
  const rowBytes = byteLength / all;
  const own = `${name}${part === '' ? '' : `:${part}`}${rows === all ? '' : `@${first}`}`;
  const dims = source.shape.length === 0 ? [] : [rows, ...rowShape];
  const content = external(file, offset + first * rowBytes, rows * rowBytes);
  return onnx.initializer({ name: own, type, dims, content });
}
