/** Dense matrix products at native speed, for work outside any traced program: decompositions, merging. */
import type { InferenceSession } from 'onnxruntime-node';
import { encodeModel, OnnxType } from './onnx/proto.ts';
import { loadOrt } from './run/ort.ts';

/** A dense matrix in row-major order. */
export interface Matrix<T extends Float32Array | Float64Array = Float32Array | Float64Array> {
  readonly rows: number;
  readonly columns: number;
  readonly data: T;
}

export interface GemmOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

/**
 * The product op(a) op(b), op the identity or the transpose, in the precision of its operands. ONNX Runtime computes
 * it on all physical cores; for the same operands, threads and version the result is the same to the bit.
 * @returns a new [rows of op(a), columns of op(b)] matrix
 * @throws RangeError when a matrix does not hold rows · columns values or the inner dimensions differ
 */
export async function gemm<T extends Float32Array | Float64Array>(
  a: Matrix<T>,
  b: Matrix<T>,
  options: GemmOptions = {},
): Promise<Matrix<T>> {
  const { transposeA = false, transposeB = false } = options;
  const [rows, innerA] = transposeA ? [a.columns, a.rows] : [a.rows, a.columns];
  const [innerB, columns] = transposeB ? [b.columns, b.rows] : [b.rows, b.columns];
  for (const { rows, columns, data } of [a, b])
    if (data.length !== rows * columns)
      throw new RangeError(
        `a [${rows}, ${columns}] matrix must hold ${rows * columns} values, got ${data.length}`,
      );
  if (innerA !== innerB || a.data.constructor !== b.data.constructor) {
    const [left, right] = [a, b].map((m) => `${m.data.constructor.name} [${m.rows}, ${m.columns}]`);
    throw new RangeError(
      `cannot multiply ${left}${transposeA ? ' transposed' : ''} and ${right}${transposeB ? ' transposed' : ''}`,
    );
  }
  const isDouble = a.data instanceof Float64Array;
  if (innerA === 0 || rows === 0 || columns === 0) {
    const zeros = isDouble ? new Float64Array(rows * columns) : new Float32Array(rows * columns);
    return { rows, columns, data: zeros as T };
  }
  const ort = await loadOrt();
  const session = await sessionFor(isDouble, transposeA, transposeB);
  const feed = ({ data, rows, columns }: Matrix<T>) =>
    isDouble
      ? new ort.Tensor('float64', data as Float64Array, [rows, columns])
      : new ort.Tensor('float32', data as Float32Array, [rows, columns]);
  const { y } = await session.run({ a: feed(a), b: feed(b) });
  return { rows, columns, data: y!.data as T };
}

/** One session for each precision and pair of transpositions, opened when first needed and kept: they are tiny. */
const sessions = new Map<string, Promise<InferenceSession>>();

function sessionFor(isDouble: boolean, transA: boolean, transB: boolean): Promise<InferenceSession> {
  const key = `${isDouble} ${transA} ${transB}`;
  let session = sessions.get(key);
  if (session === undefined) {
    const type = isDouble ? OnnxType.DOUBLE : OnnxType.FLOAT;
    const open = (name: string, prefix: string) => ({ name, type, dims: [`${prefix}0`, `${prefix}1`] });
    const model = encodeModel({
      name: 'gemm',
      inputs: [open('a', 'a'), open('b', 'b')],
      outputs: [open('y', 'y')],
      initializers: [],
      nodes: [
        {
          op: 'Gemm',
          name: 'gemm',
          inputs: ['a', 'b'],
          outputs: ['y'],
          attributes: { transA: Number(transA), transB: Number(transB) },
        },
      ],
    });
    session = loadOrt().then((ort) =>
      ort.InferenceSession.create(model, {
        executionProviders: ['cpu'],
        logSeverityLevel: 3,
        extra: { session: { intra_op: { allow_spinning: '0' } } },
      }),
    );
    sessions.set(key, session);
  }
  return session;
}
