/** How the cost of a training step grows: which records tell it, what is fitted to them, and how it reads. */
import { layOutTable } from '../table.ts';
import { fitLine, fitPower, type GrowthPoint, type LineFit, type PowerFit } from './growth.ts';
import type { BenchMeasured, BenchPoint, BenchRecord } from './schema.ts';

export const AXES = ['rank', 'batch', 'length', 'layers', 'hidden'] as const;
export type Axis = (typeof AXES)[number];

export const AXIS_TITLES: Readonly<Record<Axis, string>> = {
  rank: 'rank',
  batch: 'batch (sequences)',
  length: 'sequence (tokens)',
  layers: 'depth (layers)',
  hidden: 'width',
};

/** The shape whose sizes vary, in this many layers of this width; one size varies, the others are these. */
export interface GrowthPlan {
  readonly shape: string;
  readonly base: Readonly<Record<Axis, number>>;
  readonly values: Readonly<Record<Axis, readonly number[]>>;
}

export const GROWTH: Readonly<Record<'tiny' | 'paper', GrowthPlan>> = {
  tiny: {
    shape: 'llama',
    base: { rank: 16, batch: 4, length: 64, layers: 2, hidden: 128 },
    values: {
      rank: [8, 16, 32, 64],
      batch: [2, 4, 8, 16, 32],
      length: [32, 64, 128, 256, 512],
      layers: [1, 2, 4, 8, 16],
      hidden: [64, 128, 256, 512],
    },
  },
  paper: {
    shape: 'llama',
    base: { rank: 64, batch: 8, length: 256, layers: 8, hidden: 1024 },
    values: {
      rank: [16, 32, 64, 128, 256, 512],
      batch: [2, 4, 8, 16, 32, 64],
      length: [64, 128, 256, 512, 1024, 2048],
      layers: [2, 4, 8, 16, 32],
      hidden: [512, 1024, 2048, 4096],
    },
  },
};

export interface GrowthSeries {
  readonly axis: Axis;
  readonly method: string;
  /** Milliseconds of the best step; of the CPU's executor those of its cores together, which other work leaves alone. */
  readonly time: readonly GrowthPoint[];
  readonly timePower: PowerFit;
  /** Bytes, of the card where there is one. */
  readonly memory: readonly GrowthPoint[];
  readonly memoryLine: LineFit;
}

/** The sizes of a point as the axes have them; a method without a rank has none. */
function sizesOf({ adapter, batch, length, layers, hidden }: BenchPoint): Record<Axis, unknown> {
  return { rank: adapter.r, batch, length, layers, hidden };
}

const timeOf = ({ bestStepMilliseconds, cpuMilliseconds, peakDeviceMemoryBytes }: BenchMeasured) =>
  peakDeviceMemoryBytes === undefined ? (cpuMilliseconds ?? bestStepMilliseconds) : bestStepMilliseconds;

/** One series for each axis and method of which at least three sizes were measured. */
export function growthSeries(records: readonly BenchRecord[], profile: 'tiny' | 'paper'): GrowthSeries[] {
  const { shape, base, values } = GROWTH[profile];
  const own = records.filter(
    ({ point, measured }) =>
      point.profile === profile && point.shape === shape && point.kind === 'step' && measured !== undefined,
  );
  const methods = [...new Set(own.map(({ point }) => point.method))];
  return AXES.flatMap((axis) =>
    methods.flatMap((method): GrowthSeries[] => {
      const along = own
        .filter(({ point }) => {
          const sizes = sizesOf(point);
          return (
            point.method === method &&
            AXES.every((one) =>
              one === axis ? values[axis].includes(sizes[one] as number) : sizes[one] === base[one],
            )
          );
        })
        .map((record) => ({ x: sizesOf(record.point)[axis] as number, measured: record.measured! }))
        .sort((a, b) => a.x - b.x);
      if (new Set(along.map(({ x }) => x)).size < 3) return [];
      const time = along.map(({ x, measured }) => ({ x, y: timeOf(measured) }));
      const memory = along.map(({ x, measured }) => ({
        x,
        y: measured.peakDeviceMemoryBytes ?? measured.peakMemoryBytes,
      }));
      return [{ axis, method, time, timePower: fitPower(time), memory, memoryLine: fitLine(memory) }];
    }),
  );
}

/** The fits as a Markdown table. */
export function growthTable(series: readonly GrowthSeries[]): string[] {
  const column = (title: string, isNumeric = true) => ({ title, isNumeric });
  const columns = [
    ...[column('varied', false), column('from'), column('to'), column('method', false)],
    ...[column('step, ms'), column('grows as'), column('off by')],
    ...[column('memory, MB'), column('one more costs'), column('off by')],
  ];
  const percent = (share: number) => `${(100 * share).toFixed(0)} %`;
  const mega = (bytes: number) => (bytes / 1e6).toFixed(bytes < 1e7 ? 2 : 0);
  const body = series.map(({ axis, method, time, timePower, memory, memoryLine }) => [
    AXIS_TITLES[axis],
    String(time[0]!.x),
    String(time.at(-1)!.x),
    method,
    `${time[0]!.y.toFixed(1)} to ${time.at(-1)!.y.toFixed(1)}`,
    `x^${timePower.exponent.toFixed(2)}`,
    percent(timePower.residual),
    `${mega(memory[0]!.y)} to ${mega(memory.at(-1)!.y)}`,
    `${mega(memoryLine.slope)} MB`,
    percent(memoryLine.residual),
  ]);
  return layOutTable(columns, body, 'markdown');
}
