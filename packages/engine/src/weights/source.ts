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

/** A float32 tensor in memory: what an adapter's initialisation computed, or a new head. */
export interface WeightData {
  readonly kind: 'data';
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

export type WeightSource = WeightReference | WeightData;
