/** A file of its own: a process holds one TensorFlow. */
import { tfjsNodeSuite } from './tfjsNodeSuite.ts';

tfjsNodeSuite('eager-node-gpu');
