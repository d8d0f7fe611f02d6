/** Tables of memory and time. Their values are no records of training: see {@link BuildInput.measured}. */
import type { Unit } from '../model.ts';
import type { ColumnSpec, TableSpec } from '../spec.ts';

const bench = (paper: string, title: string, unit: Unit, group?: string): ColumnSpec => ({
  kind: 'bench',
  id: paper,
  title,
  unit,
  paper,
  digits: 1,
  ...(group === undefined ? {} : { group }),
});

const COST = [
  bench('peak_memory_fp_gb', 'FP', 'GB', 'Peak memory (GB)'),
  bench('peak_memory_bp_gb', 'BP', 'GB', 'Peak memory (GB)'),
  bench('runtime_fp_ms', 'FP', 'ms', 'Runtime (ms)'),
  bench('runtime_bp_ms', 'BP', 'ms', 'Runtime (ms)'),
];
const COST_NOTE = 'FP: forward pass; BP: backward pass.';

const ofBench = (
  id: string,
  paper: TableSpec['paper'],
  target: string,
  columns: readonly ColumnSpec[],
  notes: readonly string[] = [],
): TableSpec => ({
  id,
  paper,
  experiment: 'bench',
  source: { kind: 'bench', target },
  tiny: 'layers of a small model',
  columns,
  notes,
});

export const table19 = ofBench('table19', 'table19_layer_cost', 'bench:speed', COST, [COST_NOTE]);
export const table20 = ofBench('table20', 'table20_block_cost', 'bench:speed', COST, [COST_NOTE]);

export const table21 = ofBench(
  'table21',
  'table21_deberta_memory',
  'bench:memory',
  [64, 128, 256].map((s) => bench(`peak_memory_gb_s${s}`, `s = ${s}`, 'GB', 'Peak memory (GB)')),
  ['s: tokens of an example.'],
);

export const table22 = ofBench(
  'table22',
  'table22_vit_memory',
  'bench:memory',
  [16, 32, 64].map((b) => bench(`peak_memory_gb_b${b}`, `b = ${b}`, 'GB', 'Peak memory (GB)')),
  ['b: batch size.'],
);
