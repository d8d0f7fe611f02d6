/** Tables of Llama 3. */
import { COMMONSENSE_TASKS } from '../../../paper/index.ts';
import type { ColumnSpec, TableSpec } from '../spec.ts';
import { average, memory, modules, params, score } from './columns.ts';

const TRAINING = 'train';
const MATH = [score('gsm8k', 'GSM-8K'), score('math', 'MATH')];
const MATH_NOTE = 'Accuracy in per cent.';
const TINY_MATH = 'generated problems in the forms of GSM8K and MATH';

export const table4: TableSpec = {
  id: 'table4',
  paper: 'table4_math',
  experiment: 'math',
  source: { kind: 'table' },
  tiny: TINY_MATH,
  columns: [params, memory(TRAINING), ...MATH],
  notes: [MATH_NOTE],
};

export const table6: TableSpec = {
  id: 'table6',
  paper: 'table6_orthogonality',
  experiment: 'math',
  source: { kind: 'table' },
  tiny: TINY_MATH,
  columns: [params, ...MATH],
  notes: [`${MATH_NOTE} gamma is the weight of the penalty on |RᵀR − I|².`],
};

export const table13: TableSpec = {
  id: 'table13',
  paper: 'table13_math_low_budget',
  experiment: 'math',
  source: { kind: 'table' },
  tiny: TINY_MATH,
  columns: [params, modules, memory(TRAINING), ...MATH],
  notes: [MATH_NOTE],
};

const COMMONSENSE_TITLES: Readonly<Record<(typeof COMMONSENSE_TASKS)[number], string>> = {
  boolq: 'BoolQ',
  piqa: 'PIQA',
  siqa: 'SIQA',
  hellaswag: 'HellaSwag',
  winogrande: 'WinoGrande',
  arc_e: 'ARC-e',
  arc_c: 'ARC-c',
  obqa: 'OBQA',
};

const taskOf = (column: string): string => column.replace('_', '-');
const COMMONSENSE = COMMONSENSE_TASKS.map(taskOf);
const COMMONSENSE_SCORES: readonly ColumnSpec[] = [
  ...COMMONSENSE_TASKS.map((column) => score(taskOf(column), COMMONSENSE_TITLES[column], { paper: column })),
  average(COMMONSENSE),
];
const TINY_COMMONSENSE = 'generated questions in the forms of the eight commonsense sets';

export const table5: TableSpec = {
  id: 'table5',
  paper: 'table5_commonsense',
  experiment: 'commonsense',
  source: { kind: 'table' },
  tiny: TINY_COMMONSENSE,
  columns: [params, memory(TRAINING), ...COMMONSENSE_SCORES],
  notes: ['Accuracy in per cent.'],
};

export const table15: TableSpec = {
  id: 'table15',
  paper: 'table15_commonsense_low_budget',
  experiment: 'commonsense',
  source: { kind: 'table' },
  tiny: TINY_COMMONSENSE,
  columns: [params, modules, memory(TRAINING), ...COMMONSENSE_SCORES],
  notes: ['Accuracy in per cent.'],
};

export const table16: TableSpec = {
  id: 'table16',
  paper: 'table16_svd_init',
  experiment: 'commonsense',
  source: { kind: 'sweep', series: ['low-rank', 'full'] },
  tiny: 'generated questions in the forms of the eight commonsense sets',
  columns: [
    { kind: 'varied', id: 'rank', title: 'Rank', setting: 'rank', paper: 'rank' },
    {
      kind: 'varied',
      id: 'n_iter',
      title: 'Iterations',
      setting: 'psoftSvdLowrankNiter',
      otherwise: 'full',
      paper: 'n_iter',
    },
    {
      kind: 'start time',
      id: 'init_time',
      title: 'Start (s)',
      paper: 'init_time_s',
      task: TRAINING,
      digits: 2,
    },
    {
      kind: 'loss',
      id: 'validation_loss',
      title: 'Validation loss',
      paper: 'validation_loss',
      task: TRAINING,
      digits: 4,
    },
  ],
  notes: [
    'Start: time until the subspaces of all layers are found. Loss: cross-entropy on held-out examples, the best epoch or evaluation.',
  ],
};

export const table18: TableSpec = {
  id: 'table18',
  paper: 'table18_ranks_commonsense',
  experiment: 'commonsense',
  source: { kind: 'sweep', series: ['PSOFT'] },
  tiny: TINY_COMMONSENSE,
  columns: [
    { kind: 'varied', id: 'rank', title: 'Rank', setting: 'rank', paper: 'rank' },
    { kind: 'parameters', id: 'params', title: '#Params', paper: 'params', inMillions: false },
    average(COMMONSENSE),
    memory(TRAINING),
    { kind: 'training time', id: 'runtime', title: 'Runtime', paper: 'runtime', task: TRAINING },
  ],
  notes: ['Avg.: mean accuracy of the eight sets, in per cent.'],
};
