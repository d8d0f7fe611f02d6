/** A figure of the paper, made from records: what files and the page are drawn from. Plain JSON. */
import type { Angles } from '../../angles/index.ts';
import type { BenchRecord } from '../../bench/schema.ts';
import type { ChartSpecification } from '../../charts/specification.ts';
import type { Paper } from '../../paper/index.ts';
import type { RunRecord } from '../../schema.ts';
import type { TablePlace } from '../tables/spec.ts';
import type { SourceRecords } from './source.ts';

/** Vega-Lite without colours: a theme is added when it is drawn. */
export type ThemelessChart = Omit<ChartSpecification, 'config'>;

export interface ReportFigure {
  /** "figure3": the name of its files. */
  readonly id: string;
  /** "Figure 3". */
  readonly title: string;
  /** What it shows, a sentence or two. */
  readonly caption: string;
  readonly profile: string;
  /** Absent while there is nothing to draw. */
  readonly chart?: ThemelessChart;
  /** Which records are drawn; none where the paper's values stand alone. */
  readonly from: {
    readonly records: number;
    readonly seeds: readonly number[];
    /** "math/gsm8k". */
    readonly tasks: readonly string[];
    /** Base models with the first digits of their fingerprints. */
    readonly models: readonly string[];
    /** Instead of tasks and models, where bench records are drawn: "vit, 2 layers of width 64". */
    readonly shapes?: readonly string[];
  };
  /** What to know beside the drawing, a line each. */
  readonly notes: readonly string[];
  /** The fewest commands that fill what is missing. */
  readonly commands: readonly string[];
}

/** Runs that a figure is made of: those of a table or of a sweep. */
export interface FigureSource extends TablePlace {
  /** Of them those that the figure shows. */
  readonly tasks: readonly string[];
  /** Rows of the table that it shows; all where left out. */
  readonly rows?: readonly string[];
  /** The score of these tasks; left out where the trainings themselves are shown. */
  readonly metric?: string;
}

export interface FigureSpec {
  readonly id: string;
  readonly title: string;
  /** What the paper's figure shows. */
  readonly about: string;
  /** Where ours is another thing than the paper's, and what the tiny profile has in its place. */
  readonly ours?: string;
  readonly sources: readonly FigureSource[];
  /** Nx target of the benches that it is drawn from where there are records of them. */
  readonly benchTarget?: string;
  draw(input: DrawInput): Drawing;
  /** Drawn instead of the sources; undefined where no bench records serve. */
  drawBenches?(input: BenchInput): BenchDrawing | undefined;
}

export interface BenchInput {
  readonly profile: string;
  /** As in {@link DrawInput}. */
  readonly isPaper: boolean;
  readonly paper: Paper;
  /** Of every profile. */
  readonly benches: readonly BenchRecord[];
}

export interface BenchDrawing {
  readonly chart: ThemelessChart;
  /** What ours is, in place of the spec's. */
  readonly ours: string;
  readonly used: readonly BenchRecord[];
  readonly notes: readonly string[];
  readonly commands: readonly string[];
}

export interface DrawInput {
  readonly profile: string;
  /** The paper's values are shown in its own profile only. */
  readonly isPaper: boolean;
  readonly paper: Paper;
  /** As the spec's. */
  readonly sources: readonly SourceRecords[];
  /** Measurements of angles by configHash. */
  readonly angles: ReadonlyMap<string, Angles>;
}

export interface Drawing {
  /** Absent where there is nothing to draw. */
  readonly chart?: ThemelessChart;
  readonly used: readonly RunRecord[];
  readonly notes?: readonly string[];
  /** Beside those that fill the sources. */
  readonly commands?: readonly string[];
}
