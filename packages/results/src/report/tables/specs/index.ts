/** The tables, in the paper's order. */
import type { TableSpec } from '../spec.ts';
import { table19, table20, table21, table22 } from './cost.ts';
import { table4, table5, table6, table13, table15, table16, table18 } from './decoders.ts';
import { table2, table3, table7, table17 } from './encoders.ts';

export const TABLE_SPECS: readonly TableSpec[] = [
  ...[table2, table3, table4, table5, table6, table7, table13, table15],
  ...[table16, table17, table18, table19, table20, table21, table22],
];
