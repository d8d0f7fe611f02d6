/** A session of onnxruntime-node, whose inputs go to the device and whose outputs come back at every run. */
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import type { TypedArray } from '../ir/graph.ts';
import type { OpenedSession, SessionSettings } from './openedSession.ts';
import { loadOrt } from './ort.ts';
import type { Device } from './program.ts';

export interface NodeSettings extends SessionSettings {
  readonly device: Device;
  /** Options of the device's provider. */
  readonly provider: Readonly<Record<string, unknown>>;
}

/** @throws Error with the runtime's words where the session cannot be made */
export async function openNodeSession(model: Uint8Array, settings: NodeSettings): Promise<OpenedSession> {
  const { device, inputs, outputs, threads, profilePrefix, entries, provider } = settings;
  const ort = await loadOrt();
  const options: InferenceSession.SessionOptions = {
    executionProviders: [{ name: device, ...provider }],
    graphOptimizationLevel: 'all',
    // Planned once for all values, memory is not given back in between: a third more at ViT-B/16, and no faster.
    enableMemPattern: false,
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
    logSeverityLevel: 3,
    ...(profilePrefix === undefined ? {} : { enableProfiling: true, profileFilePrefix: profilePrefix }),
    extra: nested(entries),
  };
  const session = await ort.InferenceSession.create(model, options);
  return {
    async run(values) {
      const feeds: Record<string, OrtTensor> = {};
      for (const [key, { dtype, shape }] of Object.entries(inputs))
        feeds[`in:${key}`] = new ort.Tensor(dtype as 'float32', values[key] as Float32Array, shape);
      const results = await session.run(feeds);
      return Object.fromEntries(
        Object.keys(outputs).map((key): [string, TypedArray] => [
          key,
          results[`out:${key}`]!.data as TypedArray,
        ]),
      );
    },
    async release() {
      if (profilePrefix !== undefined) session.endProfiling();
      await session.release();
    },
  };
}

/** "a.b" to { a: { b } }, as ONNX Runtime's binding takes them. */
function nested(entries: Readonly<Record<string, string>>): Record<string, unknown> {
  const tree: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(entries)) {
    const parts = name.split('.');
    const last = parts.pop()!;
    let at = tree;
    for (const part of parts) {
      at[part] ??= {};
      at = at[part] as Record<string, unknown>;
    }
    at[last] = value;
  }
  return tree;
}
