/** From a sweep to the settings of every point, and to what is run for it. */
import { ConfigError } from '@psoft/training/config';
import { type Candidate, type CellOptions, candidatesOf } from '../cells.ts';
import type { RankSettings } from '../resolve.ts';
import type { Experiment, Layer } from '../workspace.ts';
import type { GridValues, Sweep, SweepSeries } from './spec.ts';

/** One combination of settings of one series, whatever the seed. */
export interface SweepPoint {
  readonly series: string;
  readonly method: string;
  /** What varies over the series, in the file's order. */
  readonly varied: Layer;
  /** All that is set: shared by the profile, by the series, and what varies. */
  readonly settings: Layer;
}

/** @throws ConfigError where a setting has no values for the profile */
export function pointsOf(sweep: Sweep, profile: string): SweepPoint[] {
  const shared = sweep.profiles?.[profile] ?? {};
  return sweep.series.flatMap((series) =>
    variations(series, profile, sweep).map((varied) => ({
      series: series.name,
      method: series.method,
      varied,
      settings: { ...shared, ...series.set, ...varied },
    })),
  );
}

function variations({ grid, list, name }: SweepSeries, profile: string, { name: sweep }: Sweep): Layer[] {
  const own = <T>(
    values: readonly T[] | Readonly<Record<string, readonly T[]>>,
    what: string,
  ): readonly T[] => {
    const found = Array.isArray(values)
      ? (values as readonly T[])
      : (values as Record<string, readonly T[]>)[profile];
    if (found !== undefined) return found;
    throw new ConfigError(
      `sweep ${sweep}, series "${name}": ${what} has no values for the profile ${profile}`,
    );
  };
  if (list !== undefined) return [...own<Layer>(list, 'list')];
  return Object.entries(grid ?? {}).reduce<Layer[]>(
    (points, [key, values]: [string, GridValues]) =>
      points.flatMap((point) =>
        own<unknown>(values, `"${key}"`).map((value) => ({ ...point, [key]: value })),
      ),
    [{}],
  );
}

/** Settings of a run that are no setting of the adapter, by the names that options have. */
const RUN_SETTINGS = [
  ...['rank', 'alpha', 'learningRate', 'epochs', 'batchSize', 'microBatchSize', 'maxSteps', 'maxLength'],
  ...['precision', 'recompute', 'promptTemplate', 'lossOnPrompt', 'model'],
] as const;

/** What every run of a sweep is given from the command line. */
export type SweepOptions = Omit<CellOptions, 'method' | 'seed' | 'set' | 'settings'>;

export interface PointRun {
  readonly point: SweepPoint;
  readonly task: string;
  readonly seed: number;
  readonly label: string;
  readonly config: Candidate;
}

/**
 * Everything that a sweep runs, seed by seed.
 * @throws ConfigError for a setting that the method does not take
 */
export function runsOf(
  sweep: Sweep,
  experiments: ReadonlyMap<string, Experiment>,
  options: SweepOptions,
  seeds: readonly number[],
  rankSettings: RankSettings,
): PointRun[] {
  const points = pointsOf(sweep, options.profile);
  return seeds.flatMap((seed) =>
    points.flatMap((point) =>
      sweep.tasks.map((task): PointRun => {
        const given = Object.entries(point.settings);
        const isRunSetting = (key: string) => (RUN_SETTINGS as readonly string[]).includes(key);
        const [config] = candidatesOf(
          experiments,
          `${sweep.experiment}/${task}`,
          {
            ...Object.fromEntries(given.filter(([key]) => isRunSetting(key))),
            ...options,
            method: point.method,
            seed,
            set: [],
            settings: Object.fromEntries(given.filter(([key]) => !isRunSetting(key))),
          },
          rankSettings,
        );
        const label = [task, labelOf(point), `seed ${seed}`].join(', ');
        return { point, task, seed, label, config: config! };
      }),
    ),
  );
}

/** "PSOFT rank 8, targetModules q_proj+v_proj". */
export function labelOf({ series, varied }: SweepPoint): string {
  return [series, variedText(varied)].filter((part) => part !== '').join(' ');
}

export const variedText = (varied: Layer): string =>
  Object.entries(varied)
    .map(([key, value]) => `${key} ${valueText(value)}`)
    .join(', ');

export const valueText = (value: unknown): string =>
  Array.isArray(value) ? value.map((one) => String(one).replace(/_proj$/, '')).join('+') : String(value);
