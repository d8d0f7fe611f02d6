/** What a session really does, from ONNX Runtime's own profile. */
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Graph, TypedArray, WeightSource } from '@psoft/engine';
import { lower } from '../src/onnx/lower.ts';
import { encodeModel } from '../src/onnx/proto.ts';
import { loadOrt } from '../src/run/ort.ts';

/** Names of the ONNX nodes as the graph has them, and as a session runs them. */
export async function orders(
  graph: Graph,
  weights: ReadonlyMap<string, WeightSource>,
  feeds: Readonly<Record<string, TypedArray>>,
): Promise<{ written: string[]; executed: string[] }> {
  const folder = mkdtempSync(path.join(tmpdir(), 'order-test-'));
  try {
    const ort = await loadOrt();
    const file = path.join(folder, 'constants.bin');
    const { model, blobs } = lower(graph, weights, 'order', file);
    for (const { offset, data } of blobs) writeAt(file, offset, data);
    const session = await ort.InferenceSession.create(encodeModel(model), {
      enableProfiling: true,
      profileFilePrefix: path.join(folder, 'profile'),
      extra: {
        session: { model_external_initializers_file_folder_path: folder },
        optimization: { disable_specified_optimizers: 'CommonSubexpressionElimination' },
      },
    });
    const inputs = [...graph.inputs].map(([name, { dtype, shape }]) => [
      `in:${name}`,
      new ort.Tensor(dtype as 'float32', feeds[name] as Float32Array, shape),
    ]);
    await session.run(Object.fromEntries(inputs));
    await session.release();
    const profile = readdirSync(folder).find((name) => name.startsWith('profile'))!;
    const events = JSON.parse(readFileSync(path.join(folder, profile), 'utf8')) as {
      cat: string;
      name: string;
    }[];
    const executed = events.flatMap(({ cat, name }) =>
      cat === 'Node' && name.endsWith('_kernel_time') ? [name.replace('_kernel_time', '')] : [],
    );
    return { written: model.nodes.map(({ name }) => name).reverse(), executed };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export function writeAt(file: string, offset: number, data: TypedArray): void {
  const handle = openSync(file, existsSync(file) ? 'r+' : 'w');
  writeSync(handle, data, 0, data.byteLength, offset);
  closeSync(handle);
}
