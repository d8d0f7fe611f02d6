/**
 * The one place that loads ONNX Runtime. From 1.29 its Linux and macOS builds report usage to their maker unless told
 * not to before they start; this project sends nothing anywhere unasked. Setting ORT_DISABLE_TELEMETRY=0 beforehand
 * leaves the choice with the user.
 */
process.env.ORT_DISABLE_TELEMETRY ??= '1';

export type Ort = typeof import('onnxruntime-node');

export function loadOrt(): Promise<Ort> {
  return import('onnxruntime-node');
}
