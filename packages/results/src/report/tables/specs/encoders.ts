/** Tables of DeBERTaV3-base and ViT-B/16. */
import { VTAB_GROUPS } from '../../../paper/index.ts';
import type { ColumnSpec, TableSpec } from '../spec.ts';
import { average, memory, params, score } from './columns.ts';

const GLUE = ['cola', 'stsb', 'rte', 'mrpc', 'sst2', 'qnli'] as const;

const MATTHEWS = 'matthewsCorrelation';

export const table2: TableSpec = {
  id: 'table2',
  paper: 'table2_glue',
  experiment: 'nlu',
  source: { kind: 'table' },
  tiny: "six generated tasks in the form of GLUE's",
  columns: [
    params,
    // The paper's is at 64 tokens, CoLA's length.
    memory('cola'),
    score('cola', 'CoLA', { metric: MATTHEWS }),
    score('stsb', 'STS-B', { metric: 'pearson' }),
    score('rte', 'RTE'),
    score('mrpc', 'MRPC'),
    score('sst2', 'SST-2'),
    score('qnli', 'QNLI'),
    average(GLUE),
  ],
  notes: ['CoLA: Matthews correlation; STS-B: Pearson correlation; the others: accuracy; all times 100.'],
};

/** Titles of the paper, with our tasks where they are not called as the paper's columns of the CSV. */
const VTAB: Readonly<Record<string, readonly [title: string, task?: string]>> = {
  cifar: ['CIFAR-100'],
  caltech101: ['Caltech101'],
  dtd: ['DTD'],
  flowers102: ['Flowers102'],
  pets: ['Pets'],
  svhn: ['SVHN'],
  sun397: ['Sun397'],
  patch_camelyon: ['Camelyon'],
  eurosat: ['EuroSAT'],
  resisc45: ['Resisc45'],
  retinopathy: ['Retinopathy', 'diabetic_retinopathy'],
  clevr_count: ['Clevr-Count'],
  clevr_dist: ['Clevr-Dist', 'clevr_distance'],
  dmlab: ['DMLab'],
  kitti_dist: ['KITTI-Dist', 'kitti'],
  dsprites_loc: ['dSpr-Loc', 'dsprites_location'],
  dsprites_ori: ['dSpr-Ori', 'dsprites_orientation'],
  smallnorb_azi: ['sNORB-Azim', 'smallnorb_azimuth'],
  smallnorb_ele: ['sNORB-Ele', 'smallnorb_elevation'],
};

const GROUP_TITLES = { natural: 'Natural', specialized: 'Specialized', structured: 'Structured' } as const;

const taskOf = (column: string): string => VTAB[column]![1] ?? column;

export const table3: TableSpec = {
  id: 'table3',
  paper: 'table3_vtab',
  experiment: 'vision',
  source: { kind: 'table' },
  tiny: "nineteen generated tasks with VTAB-1K's classes",
  columns: [
    params,
    memory('cifar'),
    ...Object.entries(VTAB_GROUPS).flatMap(([group, columns]): ColumnSpec[] => {
      const heading = GROUP_TITLES[group as keyof typeof GROUP_TITLES];
      return [
        ...columns.map((column) =>
          score(taskOf(column), VTAB[column]![0], { paper: column, digits: 1, group: heading }),
        ),
        {
          kind: 'mean',
          id: group,
          title: 'Mean',
          group: heading,
          of: [columns.map(taskOf)],
          paperOf: columns,
          digits: 1,
        },
      ];
    }),
    {
      kind: 'mean',
      id: 'avg',
      title: 'Avg.',
      of: Object.values(VTAB_GROUPS).map((columns) => columns.map(taskOf)),
      paper: 'avg',
      digits: 1,
    },
  ],
  notes: ['Accuracy in per cent. Avg. is the mean of the means of the three groups.'],
};

export const table7: TableSpec = {
  id: 'table7',
  paper: 'table7_initialization',
  experiment: 'nlu',
  source: { kind: 'table' },
  tiny: "two generated tasks in the form of GLUE's",
  columns: [score('rte', 'RTE'), score('cola', 'CoLA', { metric: MATTHEWS })],
  notes: [
    'PSOFT of rank 64: which factor of the singular value decomposition is orthonormal at the start. RTE: accuracy; CoLA: Matthews correlation; times 100.',
  ],
};

export const table17: TableSpec = {
  id: 'table17',
  paper: 'table17_ranks_cola',
  experiment: 'nlu',
  source: { kind: 'sweep', series: ['PSOFT'] },
  tiny: 'the generated task in the form of CoLA',
  columns: [
    { kind: 'varied', id: 'rank', title: 'Rank', setting: 'rank', paper: 'rank' },
    { kind: 'parameters', id: 'params', title: '#Params', paper: 'params', inMillions: false },
    score('cola', 'CoLA', { metric: MATTHEWS, paper: 'matthews' }),
    memory('cola'),
    { kind: 'training time', id: 'runtime', title: 'Runtime', paper: 'runtime', task: 'cola' },
  ],
  notes: ['Matthews correlation times 100.'],
};
