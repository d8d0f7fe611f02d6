/** Registers tfjs's WebAssembly backend; imported only by those who use it. */
import { createRequire } from 'node:module';

createRequire(import.meta.url)('@tensorflow/tfjs-backend-wasm');
