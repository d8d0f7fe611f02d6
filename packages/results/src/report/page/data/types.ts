/** What the page hands to its script, as JSON. The script imports these types and nothing else. */
import type { Spec } from 'vega';
import type { ReportTable } from '../../tables/model.ts';

export interface PageData {
  readonly profiles: readonly string[];
  readonly runs: EncodedRuns;
  readonly tables: readonly PageTable[];
  readonly curves: readonly CurveSet[];
  /** By key of a method's entry. */
  readonly styles: Readonly<Record<string, MethodStyle>>;
  readonly templates: Readonly<Record<'frontier' | 'curve', Spec>>;
  readonly frontiers: readonly FrontierChart[];
  readonly figures: readonly FigureChart[];
  /** Address of the results folder. */
  readonly results: string;
}

/** Objects of the same fields, without repeating their names. */
export interface EncodedRuns {
  readonly fields: readonly (keyof PageRun)[];
  readonly rows: readonly (readonly unknown[])[];
  /** Parts that many runs have in common; fields of {@link SHARED} are places in here. */
  readonly shared: readonly unknown[];
}

/** Fields of a run that are stored once and pointed to. */
export const SHARED = ['seeds', 'config', 'parameters', 'sources', 'environment'] as const;

type Values = Readonly<Record<string, unknown>>;

/** A record as the page shows it; the file that it comes from is linked, and holds every digit. */
export interface PageRun {
  readonly name: string;
  readonly profile: string;
  readonly experiment: string;
  readonly task: string;
  readonly method: string;
  readonly variant: string | null;
  readonly seed: number;
  readonly status: string;
  readonly error: string | null;
  readonly createdAt: string;
  readonly totalSeconds: number;
  /** Of the score. */
  readonly metric: string;
  /** Null of a training that other runs evaluate. */
  readonly score: number | null;
  readonly hash: string;
  /** The configHash of the run that was evaluated. */
  readonly evaluates: string | null;
  readonly protocol: string;
  readonly seeds: Values;
  /** trainConfig, adapterConfig, evaluationConfig. */
  readonly config: Readonly<Record<string, Values>>;
  readonly parameters: {
    readonly trainable: number;
    readonly trainableWithoutHead: number;
    readonly total: number;
    readonly totalWithoutHead: number;
  };
  readonly test: Values | null;
  readonly best: Values | null;
  /** Everything else that was measured. */
  readonly measured: Values;
  readonly epochs: EpochColumns;
  /** modelInfo, datasetInfo. */
  readonly sources: Readonly<Record<string, Values>>;
  /** codeInfo, systemInfo, packageInfo. */
  readonly environment: Readonly<Record<string, Values>>;
  readonly reference: Values | null;
  readonly commands: readonly string[];
  /** Why there is no command. */
  readonly noCommand: string | null;
}

/** By column: "epoch", "trainLoss", "selection.accuracy". Absent values are null. */
export type EpochColumns = Readonly<Record<string, readonly (number | null)[]>>;

export interface PageTable extends Omit<ReportTable, 'notes' | 'caption'> {
  /** Places in the runs, by row and task. */
  readonly runs: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;
  /** Tasks of a column. */
  readonly tasks: Readonly<Record<string, readonly string[]>>;
}

/** Curves of one training task. */
export interface CurveSet {
  readonly id: string;
  readonly profile: string;
  readonly experiment: string;
  readonly task: string;
  /** As {@link EpochColumns} calls them, the one that is shown first in front. */
  readonly columns: readonly string[];
  readonly methods: readonly CurveMethod[];
}

export interface CurveMethod {
  readonly key: string;
  readonly label: string;
  /** Places in the runs, by seed. */
  readonly runs: readonly number[];
}

export interface MethodStyle {
  readonly label: string;
  readonly family: string;
  /** A custom property, so that a drawing follows the theme and the printer. */
  readonly colour: string;
  readonly dash: readonly number[];
  readonly shape: string;
}

export interface FrontierChart {
  readonly id: string;
  readonly points: readonly FrontierDatum[];
  readonly front: readonly { readonly cost: number; readonly score: number }[];
  readonly levels: readonly { readonly score: number; readonly label: string }[];
  readonly costTitle: string;
  /** Of the axis of costs, in d3's language. */
  readonly ticks: string;
  readonly scoreTitle: string;
}

export interface FrontierDatum {
  readonly label: string;
  readonly colour: string;
  readonly shape: string;
  readonly cost: number;
  readonly score: number;
  readonly low: number;
  readonly high: number;
  readonly isOurs: boolean;
  readonly text: string;
}

export interface FigureChart {
  readonly id: string;
  readonly spec: Spec;
}
