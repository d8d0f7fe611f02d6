/**
 * The one TensorFlow.js of the process. The union package's CommonJS build is taken on purpose: it is the only
 * build that both resolves under Node and registers the gradients, and tfjs keeps a single engine per process.
 */
import { createRequire } from 'node:module';
import type * as Tf from '@tensorflow/tfjs';

const require = createRequire(import.meta.url);
export const tf = require('@tensorflow/tfjs') as typeof Tf;
// Without it the first tensor of tfjs's cpu backend prints an advertisement for another package.
tf.enableProdMode();

export type { DataType, Rank, Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs';
