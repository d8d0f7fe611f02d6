/** Which of our rows is which of the paper's: the one place that says so. */
import type { RowRole } from './model.ts';

export interface RowMapping {
  readonly table: string;
  /** Label of the row in packages/results/paper: its key columns. */
  readonly paper: string;
  /** An entry of the experiment's methods, the label of a sweep's point, or of a bench the method. */
  readonly ours?: string;
  /** Instead of `ours`: why there is none. */
  readonly notOffered?: string;
  readonly role: RowRole;
  /** Rows of one group share a budget of parameters: marks and tests are within it. */
  readonly group: number;
  /** The row that others of its group are tested against. */
  readonly isRival: boolean;
}

type Pair = readonly [paper: string, ours: string, role?: 'apart' | 'rival'];

function rows(table: string, pairs: readonly Pair[], group = 0): RowMapping[] {
  return pairs.map(([paper, ours, role]) => ({
    table,
    paper,
    ours,
    role: role === 'apart' ? 'apart' : 'ranked',
    group,
    isRival: role === 'rival',
  }));
}

const BASELINES: readonly Pair[] = [
  ['FFT', 'full', 'apart'],
  ['GOFTv2', 'goft'],
  ['qGOFTv2', 'qgoft'],
];
const OFT_AND_LORA: readonly Pair[] = [
  ['OFTv2 b=32', 'oft'],
  ['LoRA r=8', 'lora'],
  ['PiSSA r=8', 'pissa'],
  ['DoRA r=8', 'dora'],
];
const ENCODER: readonly Pair[] = [
  ...BASELINES,
  ['BOFT b=8 m=2', 'boft'],
  ...OFT_AND_LORA,
  ['LoRA-XS r=136', 'lora-xs'],
  ['PSOFT r=46', 'psoft', 'rival'],
];
const DECODER: readonly Pair[] = [...BASELINES, ['BOFT b=2 m=2', 'boft'], ...OFT_AND_LORA];

const COST_RANKS = [32, 64, 128, 256, 512];
const COST: readonly Pair[] = [
  ['GOFTv2', 'goft'],
  ['qGOFTv2', 'qgoft'],
  ['BOFT b=8 m=2', 'boft'],
  ['BOFT b=4 m=4', 'boft'],
  ...COST_RANKS.map((rank): Pair => [`PSOFT r=${rank}`, 'psoft']),
];
const MEMORY: readonly Pair[] = [
  ['GOFTv2', 'goft'],
  ['qGOFTv2', 'qgoft'],
  ['BOFT b=8 m=2', 'boft'],
  ['PSOFT r=46', 'psoft'],
];

const RANKS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];
const RANK_SWEEP = RANKS.map((rank): Pair => [`rank=${rank}`, `PSOFT rank ${rank}`]);

const SVD = [32, 64, 128].flatMap((rank): Pair[] => [
  ...[5, 10, 20].map(
    (n): Pair => [`rank=${rank} n_iter=${n}`, `low-rank rank ${rank}, psoftSvdLowrankNiter ${n}`],
  ),
  [`rank=${rank} n_iter=full`, `full rank ${rank}`],
]);

const ALL = 'Q;K;V;U;D;O;G';
const FIVE = 'Q;K;V;U;D';

export const ROWS: readonly RowMapping[] = [
  ...rows('table2', ENCODER),
  ...rows('table3', ENCODER),
  ...rows('table4', [...DECODER, ['LoRA-XS r=248', 'lora-xs'], ['PSOFT r=352', 'psoft', 'rival']]),
  ...rows('table5', [...DECODER, ['LoRA-XS r=298', 'lora-xs'], ['PSOFT r=424', 'psoft', 'rival']]),
  ...rows('table6', [
    ['PiSSA+LoRA-XS r=248 gamma=0.0', 'psoft-gamma-0'],
    ['PiSSA+LoRA-XS r=248 gamma=0.01', 'psoft-gamma-0.01'],
    ['PiSSA+LoRA-XS r=248 gamma=0.1', 'psoft-gamma-0.1'],
    ['PiSSA+LoRA-XS r=248 gamma=1.0', 'psoft-gamma-1'],
    ['PSOFT r=248 strict_orthogonality', 'psoft-strict-r248'],
    ['PSOFT r=352 strict_orthogonality', 'psoft-strict', 'rival'],
  ]),
  ...rows('table7', [
    ['A_orth R_orth B', 'psoft-r64', 'rival'],
    ['A R_orth B_orth', 'psoft-r64-output-init'],
    ['A R_orth B', 'psoft-r64-pissa-init'],
  ]),
  ...rows(
    'table13',
    [
      ['GOFTv2 Q;K;V', 'goft-qkv'],
      ['qGOFTv2 Q;K;V', 'qgoft-qkv'],
      ['BOFT b=2 m=2 Q;K;V', 'boft-qkv'],
      ['PSOFT r=168 Q;K;V', 'psoft-qkv', 'rival'],
    ],
    0,
  ),
  ...rows(
    'table13',
    [
      ['LoRA r=1 Q;K;V', 'lora-qkv'],
      [`SVFT P ${ALL}`, 'svft'],
      [`LoRA-XS r=48 ${ALL}`, 'lora-xs-r48'],
      [`PSOFT r=72 ${ALL}`, 'psoft-r72', 'rival'],
    ],
    1,
  ),
  ...rows(
    'table13',
    [
      [`LoRA r=1 ${ALL}`, 'lora-r1'],
      [`PiSSA r=1 ${ALL}`, 'pissa-r1'],
      [`LoRA-XS r=88 ${ALL}`, 'lora-xs-r88'],
      [`PSOFT r=124 ${ALL}`, 'psoft-r124', 'rival'],
    ],
    2,
  ),
  ...rows(
    'table13',
    [
      [`DoRA r=1 ${ALL}`, 'dora-r1'],
      [`PSOFT r=152 ${ALL}`, 'psoft-r152', 'rival'],
    ],
    3,
  ),
  ...rows(
    'table15',
    [
      ['GOFTv2 Q;V', 'goft-qv'],
      ['qGOFTv2 Q;V', 'qgoft-qv'],
      ['BOFT b=2 m=2 Q;V', 'boft-qv'],
      ['PSOFT r=194 Q;V', 'psoft-qv-r194', 'rival'],
    ],
    0,
  ),
  ...rows(
    'table15',
    [
      ['LoRA r=1 Q;K;V', 'lora-qkv-r1'],
      [`SVFT P ${FIVE}`, 'svft'],
      [`LoRA-XS r=48 ${FIVE}`, 'lora-xs-r48'],
      [`PSOFT r=72 ${FIVE}`, 'psoft-r72', 'rival'],
    ],
    1,
  ),
  ...rows(
    'table15',
    [
      [`LoRA r=1 ${FIVE}`, 'lora-r1'],
      [`PiSSA r=1 ${FIVE}`, 'pissa-r1'],
      [`LoRA-XS r=104 ${FIVE}`, 'lora-xs-r104'],
      [`PSOFT r=146 ${FIVE}`, 'psoft-r146', 'rival'],
    ],
    2,
  ),
  ...rows(
    'table15',
    [
      [`DoRA r=1 ${FIVE}`, 'dora-r1'],
      [`PSOFT r=176 ${FIVE}`, 'psoft-r176', 'rival'],
    ],
    3,
  ),
  ...rows('table16', SVD),
  ...rows('table17', RANK_SWEEP),
  ...rows('table18', RANK_SWEEP),
  ...rows('table19', COST),
  ...rows('table20', COST),
  ...rows('table21', MEMORY),
  ...rows('table22', MEMORY),
];

/** Rows of ours that a table of the paper does not have, as they are called. Their place is below its own. */
export const OWN_ROWS: Readonly<Record<string, { readonly method: string; readonly role: RowRole }>> = {
  base: { method: 'Untuned', role: 'apart' },
  head: { method: 'Head only', role: 'apart' },
  vera: { method: 'VeRA', role: 'ranked' },
  svft: { method: 'SVFT', role: 'ranked' },
};

export function rowsOfTable(table: string): RowMapping[] {
  return ROWS.filter((row) => row.table === table);
}
