/** What each file of `packages/results/paper` holds: title, columns and the columns that name a row. */

type Kind = 'text' | 'list' | 'number' | 'duration';
type Columns = Readonly<Record<string, Kind>>;

/** `columns` in the file's order; `key` names a row, and no two rows share it. */
export interface TableShape {
  readonly title: string;
  readonly about: string;
  readonly key: readonly string[];
  readonly columns: Columns;
  /** Ours: facts beside the tables, which are no printed cells of one. */
  readonly isAside?: true;
}

/** Columns of numbers by name. */
function numbers<const N extends string>(...names: readonly N[]): Readonly<Record<N, 'number'>> {
  return Object.fromEntries(names.map((name) => [name, 'number'])) as Record<N, 'number'>;
}

/** Columns of text by name. */
function texts<const N extends string>(...names: readonly N[]): Readonly<Record<N, 'text'>> {
  return Object.fromEntries(names.map((name) => [name, 'text'])) as Record<N, 'text'>;
}

const METHOD = texts('method', 'config');
const BUDGET = { ...METHOD, ...numbers('params_m', 'peak_memory_gb') };
const LOW_BUDGET = {
  ...METHOD,
  ...numbers('params_m'),
  inserted_modules: 'list',
  ...numbers('peak_memory_gb'),
} as const;
const COST = {
  ...METHOD,
  ...numbers('peak_memory_fp_gb', 'peak_memory_bp_gb', 'runtime_fp_ms', 'runtime_bp_ms'),
};
const SWEEP = { ...numbers('peak_memory_gb'), runtime: 'duration' } as const;

export const GLUE_TASKS = ['cola', 'stsb', 'rte', 'mrpc', 'sst2', 'qnli'] as const;
export const COMMONSENSE_TASKS = [
  'boolq',
  'piqa',
  'siqa',
  'hellaswag',
  'winogrande',
  'arc_e',
  'arc_c',
  'obqa',
] as const;
export const MATH_TASKS = ['gsm8k', 'math'] as const;
/** VTAB-1K's groups, whose means are averaged. */
export const VTAB_GROUPS = {
  natural: ['cifar', 'caltech101', 'dtd', 'flowers102', 'pets', 'svhn', 'sun397'],
  specialized: ['patch_camelyon', 'eurosat', 'resisc45', 'retinopathy'],
  structured: [
    'clevr_count',
    'clevr_dist',
    'dmlab',
    'kitti_dist',
    'dsprites_loc',
    'dsprites_ori',
    'smallnorb_azi',
    'smallnorb_ele',
  ],
} as const;
const VTAB_TASKS = [...VTAB_GROUPS.natural, ...VTAB_GROUPS.specialized, ...VTAB_GROUPS.structured] as const;

export const TABLES = {
  table2_glue: {
    title: 'Table 2',
    about: 'GLUE, DeBERTaV3-base',
    key: ['method', 'config'],
    columns: { ...BUDGET, ...numbers(...GLUE_TASKS, 'avg') },
  },
  table3_vtab: {
    title: 'Table 3',
    about: 'VTAB-1K, ViT-B/16',
    key: ['method', 'config'],
    columns: { ...BUDGET, ...numbers(...VTAB_TASKS, 'avg') },
  },
  table4_math: {
    title: 'Table 4',
    about: 'MetaMathQA-40K, Llama-3.2-3B',
    key: ['method', 'config'],
    columns: { ...BUDGET, ...numbers(...MATH_TASKS) },
  },
  table5_commonsense: {
    title: 'Table 5',
    about: 'Commonsense-15K, Llama-3.1-8B',
    key: ['method', 'config'],
    columns: { ...BUDGET, ...numbers(...COMMONSENSE_TASKS, 'avg') },
  },
  table6_orthogonality: {
    title: 'Table 6',
    about: 'orthogonality of R, Llama-3.2-3B',
    key: ['method', 'config'],
    columns: { ...METHOD, ...numbers('params_m', ...MATH_TASKS) },
  },
  table7_initialization: {
    title: 'Table 7',
    about: 'which factor is orthonormal, rank 64',
    key: ['variant'],
    columns: { ...texts('variant'), ...numbers('rte', 'cola') },
  },
  table8_param_formulas: {
    title: 'Table 8',
    about: 'trained values of a d-by-n linear',
    key: ['method'],
    columns: texts('method', 'formula'),
  },
  table9_activation_memory: {
    title: 'Table 9',
    about: 'activation bytes of a layer, FP32',
    key: ['method'],
    columns: texts('method', 'relative', 'absolute'),
  },
  table10_hparams_glue: {
    title: 'Table 10',
    about: 'hyper-parameters, GLUE',
    key: ['hyperparameter'],
    columns: texts('hyperparameter', 'cola', 'stsb', 'mrpc', 'rte', 'sst2', 'qnli'),
  },
  table11_hparams_vtab: {
    title: 'Table 11',
    about: 'hyper-parameters, VTAB-1K',
    key: ['hyperparameter'],
    columns: texts('hyperparameter', 'vit_b_16'),
  },
  table12_hparams_math: {
    title: 'Table 12',
    about: 'hyper-parameters, MetaMathQA-40K',
    key: ['hyperparameter'],
    columns: texts('hyperparameter', 'llama_3_2_3b'),
  },
  table13_math_low_budget: {
    title: 'Table 13',
    about: 'MetaMathQA-40K at small budgets, Llama-3.2-3B',
    key: ['method', 'config', 'inserted_modules'],
    columns: { ...LOW_BUDGET, ...numbers(...MATH_TASKS) },
  },
  table14_hparams_commonsense: {
    title: 'Table 14',
    about: 'hyper-parameters, Commonsense-15K',
    key: ['hyperparameter'],
    columns: texts('hyperparameter', 'llama_3_1_8b'),
  },
  table15_commonsense_low_budget: {
    title: 'Table 15',
    about: 'Commonsense-15K at small budgets, Llama-3.1-8B',
    key: ['method', 'config', 'inserted_modules'],
    columns: { ...LOW_BUDGET, ...numbers(...COMMONSENSE_TASKS, 'avg') },
  },
  table16_svd_init: {
    title: 'Table 16',
    about: 'SVD at initialisation',
    key: ['rank', 'n_iter'],
    columns: {
      ...numbers('rank'),
      ...texts('n_iter'),
      ...numbers('init_time_s', 'validation_loss'),
    },
  },
  table17_ranks_cola: {
    title: 'Table 17',
    about: 'ranks on CoLA',
    key: ['rank'],
    columns: { ...numbers('rank', 'params', 'matthews'), ...SWEEP },
  },
  table18_ranks_commonsense: {
    title: 'Table 18',
    about: 'ranks on Commonsense-15K, Llama-3.2-3B',
    key: ['rank'],
    columns: { ...numbers('rank', 'params', 'avg'), ...SWEEP },
  },
  table19_layer_cost: {
    title: 'Table 19',
    about: 'cost of one linear layer',
    key: ['method', 'config'],
    columns: COST,
  },
  table20_block_cost: {
    title: 'Table 20',
    about: 'cost of one transformer block',
    key: ['method', 'config'],
    columns: COST,
  },
  table21_deberta_memory: {
    title: 'Table 21',
    about: 'memory by sequence length, DeBERTaV3-base',
    key: ['method', 'config'],
    columns: { ...METHOD, ...numbers('peak_memory_gb_s64', 'peak_memory_gb_s128', 'peak_memory_gb_s256') },
  },
  table22_vit_memory: {
    title: 'Table 22',
    about: 'memory by batch size, ViT-B/16',
    key: ['method', 'config'],
    columns: { ...METHOD, ...numbers('peak_memory_gb_b16', 'peak_memory_gb_b32', 'peak_memory_gb_b64') },
  },
  figure3_tunable_vectors: {
    title: 'Figure 3',
    about: 'the scaling vectors, Llama-3.2-3B',
    key: ['variant'],
    columns: { ...texts('variant'), ...numbers('gsm8k') },
  },
  figure4b_training_speed: {
    title: 'Figure 4b',
    about: 'training speed relative to the slowest method',
    key: ['model', 'modules', 'method'],
    columns: {
      ...texts('model'),
      modules: 'list',
      ...texts('method'),
      ...numbers('relative_speed'),
    },
  },
  settings: {
    title: 'settings',
    about: 'what captions and text say of each table',
    key: ['table'],
    columns: {
      ...texts('table', 'model', 'device'),
      inserted_modules: 'list',
      ...numbers('rank', 'batch_size', 'sequence_length', 'width', 'heads', 'runs'),
    },
    isAside: true,
  },
  test_sets: {
    title: 'test sets',
    about: 'items of the sets that scores are taken on',
    key: ['task'],
    columns: { ...texts('task'), ...numbers('items', 'reported_items') },
    isAside: true,
  },
  claims: {
    title: 'claims',
    about: 'differences that the text states',
    key: ['place', 'kind', 'table', 'column', 'row', 'reference', 'difference'],
    columns: {
      ...texts('place', 'kind', 'table', 'column', 'row', 'reference'),
      ...numbers('difference'),
    },
    isAside: true,
  },
  wall_times: {
    title: 'wall times',
    about: "PSOFT's training times in the text",
    key: ['model', 'inserted_modules'],
    columns: { ...texts('model'), inserted_modules: 'list', ...numbers('minutes') },
    isAside: true,
  },
} as const satisfies Readonly<Record<string, TableShape>>;

export type TableName = keyof typeof TABLES;
export const TABLE_NAMES = Object.keys(TABLES) as readonly TableName[];

export type ColumnOf<T extends TableName> = Extract<keyof (typeof TABLES)[T]['columns'], string>;
