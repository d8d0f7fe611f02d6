import { tfjsNodeSuite } from './tfjsNodeSuite.ts';

tfjsNodeSuite('eager-node');
