/** Loads what was added and multiplies with it, in a process of its own: a library that does not fit may end it. */
import { createRequire } from 'node:module';
import util from 'node:util';
import { restoreRemovedUtilities, TFJS_NODE_BACKEND } from '../../src/run/tfjsNode.ts';
import { tf } from '../../src/tf.ts';

process.env.TF_CPP_MIN_LOG_LEVEL ??= '1';
restoreRemovedUtilities(util);
createRequire(import.meta.url)(process.argv[2]!);
await tf.setBackend(TFJS_NODE_BACKEND);
const backend = tf.backend() as unknown as { binding: { TF_Version: string }; isUsingGpuDevice: boolean };
const product = tf.matMul(tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.tensor2d([5, 6, 7, 8], [2, 2])).dataSync();
if (product.join() !== '19,22,43,50') throw new Error(`a product came out as ${product}`);
console.log(
  `TensorFlow ${backend.binding.TF_Version} works, on ${backend.isUsingGpuDevice ? 'a GPU' : 'the CPU'}`,
);
