/** A figure from its spec, the paper, what is planned and what is recorded. */
import type { Angles } from '../../angles/index.ts';
import type { BenchRecord } from '../../bench/schema.ts';
import type { ChartSpecification } from '../../charts/specification.ts';
import { type ThemeName, themeConfig } from '../../charts/themes.ts';
import type { Paper } from '../../paper/index.ts';
import type { RunRecord } from '../../schema.ts';
import { fillCommand, type PlannedTable } from '../tables/plan.ts';
import type { TablePlace } from '../tables/spec.ts';
import { shapesOf } from './benches.ts';
import type { BenchDrawing, FigureSpec, ReportFigure } from './model.ts';
import { sourceRecords } from './source.ts';

export interface FigureInput {
  readonly spec: FigureSpec;
  readonly paper: Paper;
  readonly profile: string;
  /** What a table or sweep is made of in this profile. */
  readonly plan: (place: TablePlace) => PlannedTable;
  /** Of every experiment and profile; what does not belong is left out. */
  readonly records: readonly RunRecord[];
  /** Measurements of angles by configHash. */
  readonly angles?: ReadonlyMap<string, Angles>;
  /** Of every profile. */
  readonly benches?: readonly BenchRecord[];
}

export function buildFigure(input: FigureInput): ReportFigure {
  const { spec, paper, profile, benches = [] } = input;
  const drawing = spec.drawBenches?.({ profile, isPaper: profile === 'paper', paper, benches });
  return drawing === undefined ? ofRuns(input) : ofBenches(spec, profile, drawing);
}

function ofBenches(spec: FigureSpec, profile: string, drawing: BenchDrawing): ReportFigure {
  const { chart, ours, used, notes, commands } = drawing;
  return {
    ...{ id: spec.id, title: spec.title, caption: captionOf({ ...spec, ours }, profile, 'Benches'), profile },
    ...{ chart, notes, commands },
    from: { records: used.length, seeds: [], tasks: [], models: [], shapes: shapesOf(used) },
  };
}

function ofRuns({ spec, paper, profile, plan, records, angles }: FigureInput): ReportFigure {
  const sources = spec.sources.map((source) => sourceRecords(source, plan(source), records));
  const drawing = spec.draw({
    ...{ profile, isPaper: profile === 'paper', paper, sources },
    angles: angles ?? new Map(),
  });
  const { used } = drawing;
  const unique = (values: readonly string[]) => [...new Set(values)];
  return {
    ...{ id: spec.id, title: spec.title, caption: captionOf(spec, profile), profile },
    ...(drawing.chart && { chart: drawing.chart }),
    from: {
      records: used.length,
      seeds: [...new Set(used.map(({ runInfo }) => runInfo.seed))].sort((a, b) => a - b),
      tasks: unique(used.map(({ runInfo }) => `${runInfo.experiment}/${runInfo.task}`)).sort(),
      models: unique(
        used.map(({ metaInfo: { modelInfo } }) => `${modelInfo.name} (${modelInfo.fingerprint.slice(0, 8)})`),
      ).sort(),
    },
    notes: unique([...(drawing.notes ?? []), ...sources.flatMap(({ notes }) => notes)]),
    commands: unique([
      ...benchCommands(spec, profile),
      ...sources.flatMap(({ commands }) => commands),
      ...(drawing.commands ?? []),
    ]),
  };
}

/** Runs are drawn for want of these. */
function benchCommands({ id, benchTarget }: FigureSpec, profile: string): string[] {
  if (benchTarget === undefined) return [];
  return [
    fillCommand({ id, experiment: 'bench', source: { kind: 'bench', target: benchTarget } }, profile, {}),
  ];
}

function captionOf(
  { about, ours }: Pick<FigureSpec, 'about' | 'ours'>,
  profile: string,
  what = 'Runs',
): string {
  const claim =
    profile === 'paper' ? [] : [`${what} of the ${profile} profile: no statement about the paper's numbers.`];
  return [about, ...(ours === undefined ? [] : [ours]), ...claim].join(' ');
}

/**
 * The whole Vega-Lite specification of a figure, ready for Vega-Embed or {@link renderSvg}.
 * @throws Error for a figure that has nothing to draw
 */
export function specificationOf(
  { chart, title }: ReportFigure,
  theme: ThemeName = 'light',
): ChartSpecification {
  if (chart === undefined) throw new Error(`${title} has nothing to draw yet: see its commands`);
  // Vega marks the values that it draws.
  return { ...structuredClone(chart), config: themeConfig(theme) } as ChartSpecification;
}
