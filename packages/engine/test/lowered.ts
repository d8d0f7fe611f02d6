/** Runs on the CPU what was written for another target: its nodes are ONNX's, whatever the device. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Graph, TensorValue, TypedArray, WeightSource } from '@psoft/engine';
import { lower } from '../src/onnx/lower.ts';
import { encodeModel } from '../src/onnx/proto.ts';
import type { Target } from '../src/onnx/target.ts';
import { loadOrt } from '../src/run/ort.ts';
import { writeAt } from './executed.ts';

export async function runLowered(
  graph: Graph,
  target: Target,
  values: Readonly<Record<string, TypedArray>>,
  weights: ReadonlyMap<string, WeightSource> = new Map(),
): Promise<Record<string, TensorValue>> {
  const folder = mkdtempSync(path.join(tmpdir(), 'lowered-test-'));
  try {
    const ort = await loadOrt();
    const file = path.join(folder, 'constants.bin');
    const { model, blobs } = lower(graph, weights, 'lowered', file, { target });
    for (const { offset, data } of blobs) writeAt(file, offset, data);
    const session = await ort.InferenceSession.create(encodeModel(model), {
      extra: { session: { model_external_initializers_file_folder_path: folder } },
    });
    const feeds = [...graph.inputs].map(([name, { dtype, shape }]) => [
      `in:${name}`,
      new ort.Tensor(dtype as 'float32', values[name] as Float32Array, shape),
    ]);
    const results = await session.run(Object.fromEntries(feeds));
    await session.release();
    return Object.fromEntries(
      [...graph.outputs].map(([name, { shape }]) => {
        const data = results[`out:${name}`]!.data as TypedArray;
        return [name, { data, shape }];
      }),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}
