/** How to get what CUDA lacks: by the workspace's own command, or where this is an installed package by what it has. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { ENGINE_FOLDER } from './folder.ts';

const IS_WORKSPACE = existsSync(path.join(ENGINE_FOLDER, 'scripts', 'addCuda.ts'));

/** ONNX Runtime's provider. */
export const PROVIDER_REMEDY = IS_WORKSPACE
  ? 'npm run cuda'
  : 'ONNXRUNTIME_NODE_INSTALL=true npm rebuild onnxruntime-node';

/** A folder that holds a library of NVIDIA's. */
export const FOLDER_REMEDY = IS_WORKSPACE
  ? '`npm run cuda -- --libraries FOLDER`'
  : 'add the folder below it that holds the library to LD_LIBRARY_PATH';
