/** What a page is made from. The records' package reads no experiment: who builds a page says what belongs where. */
import type { Audit } from '../../audit/index.ts';
import type { RunRecord } from '../../schema.ts';
import type { ReportFigure } from '../figures/index.ts';
import type { PlannedTable, ReportTable, TableSpec } from '../tables/index.ts';

export interface ReportInput {
  /** In the order in which they are shown. */
  readonly experiments: readonly PageExperiment[];
  readonly tables: readonly PageTableInput[];
  readonly records: readonly RunRecord[];
  readonly reproduce: (record: RunRecord) => Reproduction;
  readonly audit: Audit;
  /** Of every profile; those without data say what fills them. */
  readonly figures: readonly ReportFigure[];
  readonly links: PageLinks;
}

export interface PageExperiment {
  /** Folder of the experiment: "nlu". */
  readonly name: string;
  /** By profile, for each has other models and data: "GLUE on DeBERTaV3-base". */
  readonly titles: Readonly<Record<string, string>>;
  /** The table that its verdict is read from: "table2". */
  readonly mainTable: string;
}

export interface PageTableInput {
  readonly table: ReportTable;
  readonly spec: TableSpec;
  /** Absent of tables that are made of benches. */
  readonly planned?: PlannedTable;
}

/** Command lines, one after the other, or why there are none. */
export type Reproduction = { readonly commands: readonly string[] } | { readonly reason: string };

/** Addresses relative to the page, so that they lead somewhere wherever the folder lies. */
export interface PageLinks {
  /** Of the results, in which records lie. */
  readonly results: string;
  /** Of the documents, with their titles. */
  readonly documents: readonly { readonly href: string; readonly title: string; readonly about: string }[];
}
