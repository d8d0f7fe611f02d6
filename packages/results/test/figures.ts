/** Plans and records of every figure's runs, made up, for tests. */
import type { Angles } from '../src/angles/index.ts';
import { type BenchPoint, type BenchRecord, benchHash, TABLE_SIZES } from '../src/bench/index.ts';
import type { FigureSource } from '../src/report/figures/index.ts';
import { FIGURES } from '../src/report/figures/index.ts';
import {
  type PlannedRow,
  type PlannedRun,
  type PlannedTable,
  rowsOfTable,
  type TablePlace,
} from '../src/report/tables/index.ts';
import type { RunRecord } from '../src/schema.ts';
import { plannedRun, recordOf } from './planned.ts';
import { sealed } from './records.ts';

type Row = Pick<PlannedRow, 'key' | 'method' | 'series' | 'varied'> & {
  readonly adapterConfig: PlannedRun['adapterConfig'];
};

const psoft = (r: number, more: object = {}) => ({ r, psoftAlpha: r, ...more });
const sweepRow = (series: string, method: string, varied: object, adapterConfig: object): Row => ({
  key: [series, ...Object.values(varied)].join(' '),
  ...{ method, series, varied: { ...varied }, adapterConfig: { ...adapterConfig } as Row['adapterConfig'] },
});

const ROWS: Readonly<Record<string, readonly Row[]>> = {
  figure3: ['none', 'alpha', 'beta', ''].map((which) => ({
    key: which === '' ? 'psoft-r64' : `psoft-r64-${which}`,
    method: 'psoft',
    adapterConfig: psoft(64, {
      psoftMagA: which === 'alpha' || which === '',
      psoftMagB: which === 'beta' || which === '',
    }),
  })),
  figure8a: [32, 64].flatMap((r) =>
    [['q_proj'], ['q_proj', 'v_proj'], 'all-linear'].map((targetModules, i) => ({
      ...{ key: `psoft-r${r}-${i}`, method: 'psoft' },
      adapterConfig: psoft(r, { targetModules }) as Row['adapterConfig'],
    })),
  ),
  figure8b: [
    ...[1, 3, 5, 10].map((terms) =>
      sweepRow(
        'Neumann',
        'psoft',
        { numCayleyNeumannTerms: terms },
        psoft(8, { numCayleyNeumannTerms: terms }),
      ),
    ),
    sweepRow('exact', 'psoft', {}, psoft(8)),
  ],
  figure9: ['psoft-strict', 'psoft', 'lora'].map((key) => ({
    ...{ key, method: key.split('-')[0]! },
    adapterConfig:
      key === 'lora' ? { r: 4 } : psoft(4, { psoftMagA: key === 'psoft', psoftMagB: key === 'psoft' }),
  })),
  figure11: [
    ...[1, 8, 32].map((rank) => sweepRow('PSOFT', 'psoft', { rank }, psoft(rank))),
    sweepRow('BOFT', 'boft', {}, { boftBlockSize: 8, boftNButterflyFactor: 2 }),
  ],
  table16: [8, 16].flatMap((rank) => [
    ...[5, 20].map((n) =>
      sweepRow(
        'low-rank',
        'psoft',
        { rank, psoftSvdLowrankNiter: n },
        psoft(rank, { psoftSvdLowrankNiter: n }),
      ),
    ),
    sweepRow('full', 'psoft', { rank }, psoft(rank, { psoftSvd: 'full' })),
  ]),
};

const BLOCKS = { oftBlockSize: 8, boftBlockSize: 4, boftNButterflyFactor: 2 };

/** Rows of the tables in their mapping, each with settings of its own. */
function rowsOf({ id }: TablePlace): readonly Row[] {
  return (
    ROWS[id] ??
    rowsOfTable(id).flatMap(({ ours }, i) =>
      ours === undefined
        ? []
        : [{ key: ours, method: ours.split('-')[0]!, adapterConfig: { r: i + 1, ...BLOCKS } }],
    )
  );
}

const allTasks = (id: string): string[] => [
  ...new Set(
    FIGURES.flatMap(({ sources }) => sources.filter((one) => one.id === id).flatMap(({ tasks }) => tasks)),
  ),
];

export function planOf(place: TablePlace, profile: string, seeds: readonly number[] = [1, 2]): PlannedTable {
  const tasks = allTasks(place.id);
  const rows = rowsOf(place).map(({ adapterConfig, ...row }): PlannedRow => {
    const seedsOf = (task: string) =>
      seeds.map((seed) => {
        const run = plannedRun(row.method, task, seed, {
          profile,
          experiment: place.experiment,
          adapterConfig,
        });
        // Keys tell apart what settings do not.
        return { seed, candidates: [{ ...run, trainConfig: { ...run.trainConfig, key: row.key } }] };
      });
    return { ...row, cells: Object.fromEntries(tasks.map((task) => [task, { seeds: seedsOf(task) }])) };
  });
  return { profile, seeds, tasks, rows };
}

/** All records of a source: scores, times and memory grow with the place of the row. */
export function recordsOf(
  { metric, ...source }: FigureSource,
  profile: string,
  change: (record: RunRecord, place: number) => RunRecord = (record) => record,
): RunRecord[] {
  const { rows } = planOf(source, profile);
  return rows.flatMap((row, place) =>
    Object.values(row.cells).flatMap((cell) =>
      'unavailable' in cell
        ? []
        : cell.seeds.flatMap(({ candidates, seed }) =>
            candidates.map((run) =>
              recordOf(run, 50 + place, (record) => {
                const { test: _, ...info } = record.trainInfo;
                const isLoss = metric === undefined && source.experiment === 'commonsense';
                const parameters = { ...info.parameters, trainableWithoutHead: 100 * (place + 1) };
                const last = info.metrics.at(-1)!;
                const metrics = isLoss
                  ? info.metrics.map((row) => ({ ...row, selection: { loss: 1 / (place + 1) } }))
                  : info.metrics;
                const selectionMetric = isLoss ? 'loss' : (metric ?? 'matthews');
                return change(
                  {
                    ...record,
                    trainInfo: {
                      ...{ ...info, parameters, metrics, selectionMetric },
                      ...(isLoss ? { best: { epoch: last.epoch, value: 1 / (place + 1) } } : {}),
                      ...(isLoss ? {} : { test: { [selectionMetric]: 50 + place + seed } }),
                      ...{ stepMilliseconds: 100 * (place + 1), initialisationSeconds: 1 + place },
                      ...{ peakMemoryBytes: 1e9 * (place + 1), peakDeviceMemoryBytes: 2e9 * (place + 1) },
                    },
                  },
                  place,
                );
              }),
            ),
          ),
    ),
  );
}

export const everyRecord = (profile: string): RunRecord[] => {
  const sources = new Map(FIGURES.flatMap(({ sources }) => sources).map((one) => [one.id, one]));
  return [...sources.values()].flatMap((source) => recordsOf(source, profile)).map(sealed);
};

const ADAPTERS = {
  goft: {},
  qgoft: {},
  boft: { boftBlockSize: 8, boftNButterflyFactor: 2 },
  lora: { r: 8 },
  dora: { r: 8 },
  psoft: { r: 46 },
};

/** A record of a training step of the vision transformer at Table 22's sizes. */
export function benchOf(
  profile: string,
  method: keyof typeof ADAPTERS,
  batch: number,
  outcome: Partial<NonNullable<BenchRecord['measured']>> | string,
  more: { readonly point?: Partial<BenchPoint>; readonly system?: object } = {},
): BenchRecord {
  const { hidden, layers, length } = TABLE_SIZES[profile]!.table22!;
  const point: BenchPoint = {
    ...{ profile, shape: 'vit', kind: 'step', method, adapter: ADAPTERS[method], batch, hidden, layers },
    ...{ length: length!, executor: 'cpu', precision: 'f32', weights: 'F32', ...more.point },
  };
  const systemInfo = {
    ...{ os: 'linux', osRelease: '6', architecture: 'x64', cpuModel: 'CPU', cores: 2, memoryBytes: 1e9 },
    ...{ node: '20.20.2', executor: 'onnx', executionProvider: 'cpu', ...more.system },
  };
  const measured = {
    ...{ passes: 5, stepMilliseconds: 9, bestStepMilliseconds: 8, peakMemoryBytes: 1e9, trained: 10 },
    losses: [1, 0.5],
  };
  return {
    ...{ schemaVersion: 1, point, hash: benchHash(point, systemInfo), createdAt: '2026-11-28T12:00:00.000Z' },
    ...(typeof outcome === 'string' ? { unavailable: outcome } : { measured: { ...measured, ...outcome } }),
    metaInfo: {
      codeInfo: { commit: 'c0de'.repeat(10), isDirty: false },
      packageInfo: { 'onnxruntime-node': '1.30.0', tsx: '4.0.0' },
      systemInfo,
    },
  };
}

/** Of the paper's methods over Table 22's batches: memory and time grow with batch and place. */
export const everyBench = (profile: string): BenchRecord[] =>
  (Object.keys(ADAPTERS) as (keyof typeof ADAPTERS)[]).flatMap((method, place) =>
    [16, 32, 64].map((batch) =>
      benchOf(profile, method, batch, {
        peakMemoryBytes: batch * 1e8 + place * 1e7,
        cpuMilliseconds: batch * (place + 1),
      }),
    ),
  );

/** A measurement of a run with two columns shown. */
export function anglesOf({ runInfo, metaInfo }: RunRecord, largest: number, rank = 4): Angles {
  const { profile, experiment, task, method, seed, configHash } = runInfo;
  const { name, fingerprint } = metaInfo.modelInfo;
  const histogram = Array.from({ length: 38 }, (_, bin) => (bin === 12 ? 3 : 0));
  const part = {
    before: [
      [0, 80],
      [80, 0],
    ],
    after: [
      [0, 80 + largest],
      [80 + largest, 0],
    ],
    change: { pairs: 3, largest, mean: largest / 2, largestNormChange: 0.01, histogram },
  };
  return {
    schemaVersion: 1,
    run: { profile, experiment, task, method, seed, configHash },
    model: { name, fingerprint },
    ...{ rank, modules: 1, columns: 3, shown: { module: 'layer.0.query', columns: [0, 1] } },
    ...{ principal: part, whole: part },
  };
}
