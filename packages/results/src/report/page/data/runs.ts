/** Records as the page's script gets them: every field that is shown, each shared part once. */
import { identityOf, runName } from '../../../identity.ts';
import type { EpochMetrics, RunRecord } from '../../../schema.ts';
import { testScore } from '../../../summary.ts';
import type { Reproduction } from '../input.ts';
import { rounded } from './rounded.ts';
import { type EncodedRuns, type EpochColumns, type PageRun, SHARED } from './types.ts';

/** Of measurements per epoch; times and learning rates of each epoch are in the record's file. */
const CURVE_DIGITS = 5;

/** @returns one run a record, in their order */
export function pageRun(record: RunRecord, reproduction: Reproduction): PageRun {
  const { runInfo, trainInfo, metaInfo, referenceScore } = record;
  const { parameters, selectionMetric, metrics, best, test, ...measured } = trainInfo;
  const { trainConfig, adapterConfig, evaluationConfig } = runInfo;
  const { codeInfo, systemInfo, packageInfo, modelInfo, datasetInfo } = metaInfo;
  return {
    name: runName(identityOf(record)),
    profile: runInfo.profile,
    experiment: runInfo.experiment,
    task: runInfo.task,
    method: runInfo.method,
    variant: runInfo.variant ?? null,
    seed: runInfo.seed,
    status: runInfo.status,
    error: runInfo.error ?? null,
    createdAt: runInfo.createdAt,
    totalSeconds: rounded(runInfo.totalSeconds),
    metric: selectionMetric,
    score: rounded(testScore(record)) ?? null,
    hash: runInfo.configHash,
    evaluates: runInfo.evaluates?.configHash ?? null,
    protocol: `${runInfo.protocol} (${runInfo.protocolVariant})`,
    seeds: runInfo.seeds,
    config: { trainConfig, adapterConfig, ...(evaluationConfig && { evaluationConfig }) },
    parameters,
    test: rounded(test) ?? null,
    best: rounded(best) ?? null,
    measured: rounded(measured),
    epochs: epochColumns(metrics),
    sources: { modelInfo, datasetInfo },
    environment: { ...(codeInfo && { codeInfo }), systemInfo, packageInfo },
    reference: referenceScore ?? null,
    commands: 'commands' in reproduction ? reproduction.commands : [],
    noCommand: 'reason' in reproduction ? reproduction.reason : null,
  };
}

export function encodeRuns(runs: readonly PageRun[]): EncodedRuns {
  const fields = Object.keys(runs[0] ?? {}) as (keyof PageRun)[];
  const shared: unknown[] = [];
  const places = new Map<string, number>();
  const place = (value: unknown): number => {
    const key = JSON.stringify(value);
    const known = places.get(key);
    if (known !== undefined) return known;
    places.set(key, shared.length);
    return shared.push(value) - 1;
  };
  const isShared = (field: keyof PageRun) => (SHARED as readonly string[]).includes(field);
  const rows = runs.map((run) => fields.map((field) => (isShared(field) ? place(run[field]) : run[field])));
  return { fields, rows, shared };
}

function epochColumns(rows: readonly EpochMetrics[]): EpochColumns {
  const flat = rows.map(({ epoch, step, trainLoss, selection, meanGradientNorm, orthogonalityError }) => ({
    ...{ epoch, step, trainLoss },
    ...Object.fromEntries(Object.entries(selection).map(([name, value]) => [`selection.${name}`, value])),
    ...{ meanGradientNorm, orthogonalityError },
  }));
  const names = [...new Set(flat.flatMap((row) => Object.keys(row)))];
  const columns = names.map((name) => [
    name,
    flat.map((row) => {
      const value = (row as Record<string, number | undefined>)[name];
      return value === undefined ? null : rounded(value, CURVE_DIGITS);
    }),
  ]);
  return Object.fromEntries(
    columns.filter(([, values]) => (values as unknown[]).some((one) => one !== null)),
  );
}
