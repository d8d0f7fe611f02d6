/** Storage types that a checkpoint's float weights come in, by their safetensors names. */
export type WeightDtype = 'F32' | 'F16' | 'BF16';

/** A tensor inside a checkpoint file. It is never copied through JavaScript: executors read or map it themselves. */
export interface WeightReference {
  readonly kind: 'file';
  /** Absolute path of the real file (links resolved: ONNX Runtime refuses paths that leave their folder). */
  readonly file: string;
  /** First byte of the tensor, counted from the start of the file. */
  readonly offset: number;
  readonly byteLength: number;
  readonly dtype: WeightDtype;
  readonly shape: readonly number[];
}

/**
 * A float32 tensor in memory: what an adapter's initialisation computed, or a new head. `moveToFile` puts its elements
 * into a file; `data` then reads that.
 */
export interface WeightData {
  readonly kind: 'data';
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/** Bytes inside a file. */
export interface ByteRange {
  /** Absolute path of the real file, as in {@link WeightReference}. */
  readonly file: string;
  readonly offset: number;
  readonly byteLength: number;
}

/**
 * A matrix [out, in] in 4 bits a value, inside a checkpoint file. A block is `blockSize` neighbours along a row; value i
 * of block b is (q[i] - z[b]) scale[b], with q and z from 0 to 15. Two neighbours share a byte, the first in the lower
 * half. A row has an even number of blocks, so that every row of every part begins with a byte. The parts are laid out
 * as ONNX Runtime's `MatMulNBits` takes them.
 */
export interface QuantizedWeight {
  readonly kind: 'quantized';
  readonly shape: readonly [number, number];
  readonly blockSize: number;
  /** q, uint8 [out, blocks, blockSize / 2]. */
  readonly packed: ByteRange;
  /** F32 or F16, [out, blocks]. */
  readonly scales: WeightReference;
  /** z, uint8 [out, blocks / 2]. */
  readonly zeroPoints: ByteRange;
}

/** What lies in files: what a checkpoint holds. */
export type StoredWeight = WeightReference | QuantizedWeight;

export type WeightSource = StoredWeight | WeightData;
