/** What a table is made of, as data. Adding a table is one entry of {@link ./specs/index.ts} and its rows. */
import type { TableName } from '../../paper/index.ts';
import type { Unit } from './model.ts';

/** Where a table's values come from, and what fills it. */
export type TableSource =
  /** `tables` of experiment.json: methods by tasks. */
  | { readonly kind: 'table' }
  /** `sweeps/<id>.json`: points of these series; others are shown below them. */
  | { readonly kind: 'sweep'; readonly series: readonly string[] }
  /** Measurements that are no training: {@link BuildInput.measured}. `target` is the Nx target that makes them. */
  | { readonly kind: 'bench'; readonly target: string };

interface ColumnBase {
  readonly id: string;
  readonly title: string;
  readonly group?: string;
  readonly digits?: number;
  /** The paper's column; absent where it prints none. */
  readonly paper?: string;
}

export type ColumnSpec = ColumnBase &
  (
    | { readonly kind: 'modules' }
    /** A setting that a sweep varies; `otherwise` where a point does not have it. */
    | { readonly kind: 'varied'; readonly setting: string; readonly otherwise?: string }
    /** `inMillions`: as the paper prints it. */
    | { readonly kind: 'parameters'; readonly inMillions: boolean }
    /** Of runs on this task. */
    | { readonly kind: 'memory'; readonly task: string }
    | { readonly kind: 'score'; readonly task: string; readonly metric: string }
    /** Mean of the tasks of one list, or of the means of several. */
    | {
        readonly kind: 'mean';
        readonly of: readonly (readonly string[])[];
        /** Columns of the paper whose printed values give its value, where it prints none. */
        readonly paperOf?: readonly string[];
      }
    | { readonly kind: 'loss'; readonly task: string }
    | { readonly kind: 'training time' | 'start time'; readonly task: string }
    | { readonly kind: 'bench'; readonly unit: Unit }
  );

/** Where the runs of a table are described, and its Nx target. */
export interface TablePlace {
  readonly id: string;
  /** Folder of the experiment, or of the benches. */
  readonly experiment: string;
  readonly source: TableSource;
}

export interface TableSpec extends TablePlace {
  readonly paper: TableName;
  /** What the tiny profile has in the paper's place: "six generated tasks in the form of GLUE's". */
  readonly tiny: string;
  readonly columns: readonly ColumnSpec[];
  readonly notes?: readonly string[];
}
