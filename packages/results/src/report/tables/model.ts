/** A table of the paper, made from records: what every renderer, the page and the figures read. Plain JSON. */

/** `apart`: the full fine-tuning, the head alone and the untuned model are bounds, not rivals: no marks. */
export type RowRole = 'ranked' | 'apart';

export type ColumnKind = 'text' | 'parameters' | 'memory' | 'score' | 'mean' | 'loss' | 'time';

/** Of numbers in cells, ours and the paper's alike. Parameters are counts. */
export type Unit = '%' | 'count' | 'GB' | 's' | 'ms' | 'nats';

export interface ReportColumn {
  readonly id: string;
  /** As the paper heads it. */
  readonly title: string;
  /** Columns under one heading: "Natural". */
  readonly group?: string;
  readonly kind: ColumnKind;
  /** Of texts none. */
  readonly unit?: Unit;
  /** In `trainInfo.test` of the records: "matthewsCorrelation"; of a mean absent. */
  readonly metric?: string;
  readonly task?: string;
  /** After the decimal point. */
  readonly digits: number;
  /** Which value is the better one; absent where none is. Only such columns have marks and tests. */
  readonly better?: 'higher' | 'lower';
}

export type Mark = 'best' | 'second';

export interface OurValue {
  readonly mean: number;
  /** Sample deviation over seeds, n - 1 in the denominator; absent for one. */
  readonly deviation?: number;
  readonly n: number;
  readonly seeds: readonly number[];
}

export interface PaperValue {
  /** As printed: "0.08", "OOM", "17m34s"; "" where the cell is empty. */
  readonly text: string;
  /** In the column's unit; absent for OOM and empty cells. */
  readonly value?: number;
  /** Not printed, but computed from what is: the mean of a group. */
  readonly isComputed?: true;
}

/** A row against the rival of its group, in one column. */
export type RivalTest =
  | {
      readonly rival: string;
      /** What was resampled, and how many of them. */
      readonly over: 'seeds' | 'examples';
      readonly n: number;
      /** This row's mean minus the rival's, over the common ones. */
      readonly difference: number;
      /** Two-sided. */
      readonly p: number;
      readonly isSignificant: boolean;
    }
  | { readonly rival: string; readonly notTested: string };

export interface ReportCell {
  /** Of text columns only. */
  readonly text?: string;
  readonly ours?: OurValue;
  readonly mark?: Mark;
  /** In the paper profile only: the tiny profile runs another model on other data. */
  readonly paper?: PaperValue;
  readonly paperMark?: Mark;
  /** Ours minus the paper's. */
  readonly difference?: number;
  readonly test?: RivalTest;
  /** Seeds without a value, and the command that fills exactly this cell. Beside `ours` where some are there. */
  readonly missing?: {
    readonly seeds: readonly number[];
    readonly command: string;
    readonly reason?: string;
  };
  /** Why there will be none. */
  readonly unavailable?: string;
}

export interface ReportRow {
  /** The entry of the experiment's methods, or the label of a sweep's point; of rows that are not offered the paper's. */
  readonly key: string;
  /** As the paper calls it: "OFTv2". */
  readonly method: string;
  /** The paper's ("b=32") in the paper profile, else that of our runs. */
  readonly setting: string;
  /** Label of the paper's row: "OFTv2 b=32". Absent for rows that the paper does not have. */
  readonly paperRow?: string;
  /** Rows of one group are compared with each other. */
  readonly group: number;
  readonly role: RowRole;
  /** By column id. */
  readonly cells: Readonly<Record<string, ReportCell>>;
}

export interface ReportTable {
  /** "table2". */
  readonly id: string;
  /** "Table 2". */
  readonly title: string;
  readonly caption: string;
  readonly profile: string;
  readonly experiment: string;
  /** Base model of all records in the table, with its SHA-256; absent while there is none. */
  readonly model?: { readonly name: string; readonly fingerprint: string };
  /** Whose verdict the scores are; absent where runs evaluate themselves. */
  readonly scorer?: string;
  /** It was asked for, and is not the experiment's own. */
  readonly isScorerAsked?: true;
  /** Seeds that a whole cell has. */
  readonly seeds: readonly number[];
  readonly columns: readonly ReportColumn[];
  readonly rows: readonly ReportRow[];
  /** What marks mean, what was left out and why, a line each. */
  readonly notes: readonly string[];
  /** The fewest commands that fill every missing cell. */
  readonly commands: readonly string[];
  /** Cells of scores and measurements: whole ones, and all that can be had. */
  readonly filled: { readonly cells: number; readonly of: number };
}
