/** Plans of tables, and records that state what is planned, for tests. */
import type {
  PlannedCell,
  PlannedRow,
  PlannedRun,
  PlannedTable,
  RowMapping,
} from '../src/report/tables/index.ts';
import type { TableSpec } from '../src/report/tables/spec.ts';
import type { RunRecord } from '../src/schema.ts';
import { sampleRecord, sealed } from './records.ts';

/** Two tasks of Table 2. */
export const SPEC: TableSpec = {
  id: 'table2',
  paper: 'table2_glue',
  experiment: 'nlu',
  source: { kind: 'table' },
  tiny: 'two made-up tasks',
  columns: [
    { kind: 'parameters', id: 'params', title: '#Params', paper: 'params_m', inMillions: true },
    { kind: 'score', id: 'rte', title: 'RTE', task: 'rte', metric: 'accuracy', paper: 'rte', digits: 2 },
    { kind: 'score', id: 'cola', title: 'CoLA', task: 'cola', metric: 'matthews', paper: 'cola', digits: 2 },
    { kind: 'mean', id: 'avg', title: 'Avg.', of: [['rte', 'cola']], digits: 2 },
  ],
};

const row = (paper: string, ours: string, more: Partial<RowMapping> = {}): RowMapping => ({
  ...{ table: 'table2', paper, ours, role: 'ranked', group: 0, isRival: false },
  ...more,
});

export const MAPPING: readonly RowMapping[] = [
  row('FFT', 'full', { role: 'apart' }),
  { table: 'table2', paper: 'GOFTv2', notOffered: 'not here', role: 'ranked', group: 0, isRival: false },
  row('LoRA r=8', 'lora'),
  row('DoRA r=8', 'dora'),
  row('PSOFT r=46', 'psoft', { isRival: true }),
];

export function plannedRun(
  method: string,
  task: string,
  seed: number,
  more: Partial<PlannedRun> = {},
): PlannedRun {
  return {
    ...{ experiment: 'nlu', task, profile: 'tiny', method, seed, protocol: 1, protocolVariant: 'paper' },
    trainConfig: { epochs: 2, learningRate: 0.01 },
    adapterConfig: method === 'full' ? {} : { r: 4 },
    ...{ model: 'org/deberta-tiny', dataset: `generated ${task}`, readings: [{}] },
    ...more,
  };
}

/** A record of just that run. */
export function recordOf(
  planned: PlannedRun,
  score: number,
  change: (record: RunRecord) => RunRecord = (one) => one,
) {
  const { model, dataset, readings, ...info } = planned;
  const base = sampleRecord({ seed: planned.seed });
  const { best, ...trainInfo } = base.trainInfo;
  const [reading] = readings;
  return sealed(
    change({
      ...base,
      runInfo: {
        ...base.runInfo,
        ...info,
        ...(reading?.evaluationConfig === undefined ? {} : { evaluationConfig: reading.evaluationConfig }),
      },
      trainInfo: { ...trainInfo, ...(best && { best }), test: { matthews: score, accuracy: score } },
      metaInfo: {
        ...base.metaInfo,
        modelInfo: { ...base.metaInfo.modelInfo, name: model.split('/').at(-1)! },
        datasetInfo: { ...base.metaInfo.datasetInfo, name: dataset },
      },
    }),
  );
}

export interface PlanOptions extends Partial<Omit<PlannedTable, 'rows'>> {
  readonly methods?: readonly string[];
  readonly unavailable?: Readonly<Record<string, string>>;
  readonly run?: (method: string, task: string, seed: number) => readonly PlannedRun[];
}

export function plan({
  methods = ['full', 'lora', 'dora', 'psoft'],
  tasks = ['rte', 'cola'],
  seeds = [1, 2, 3],
  profile = 'tiny',
  unavailable = {},
  run = (method, task, seed) => [plannedRun(method, task, seed, { profile })],
  ...more
}: PlanOptions = {}): PlannedTable {
  const rows = methods.map((method): PlannedRow => {
    const cellOf = (task: string): PlannedCell =>
      unavailable[method] === undefined
        ? { seeds: seeds.map((seed) => ({ seed, candidates: run(method, task, seed) })) }
        : { unavailable: unavailable[method] };
    return { key: method, method, cells: Object.fromEntries(tasks.map((task) => [task, cellOf(task)])) };
  });
  return { profile, seeds, tasks, rows, ...more };
}
