/**
 * A result that another program wrote, version 1. It has the three parts of a run's record, so that one question asks
 * for both, but only what its source states: names and units of metrics are the source's, nothing is converted, and
 * what the source does not say is absent. It is no record of a run of ours and never stands in a table beside one.
 */
import { fingerprint, metrics, name, utcTime } from '../schema/parts.ts';
import {
  constant,
  described as d,
  type Infer,
  integer,
  list,
  number,
  object,
  oneOf,
  optional,
  settings,
  text,
} from '../schema/shape.ts';
import { RecordError } from '../schema.ts';

export const IMPORTED_VERSION = 1;

/** The profile that every imported result states; no run of ours has it. */
export const IMPORTED = 'imported';

export const IMPORT_FORMATS = ['psoft', 'peft', 'tensorboard', 'wandb-runs', 'wandb-history'] as const;
export type ImportFormat = (typeof IMPORT_FORMATS)[number];

const importedFrom = object({
  format: oneOf(...IMPORT_FORMATS),
  file: d('Name of the file, without the folder of a machine.', text()),
  sha256: d('Of the file.', fingerprint),
  entry: d('Which of several results in the file.', optional(text())),
  importedAt: utcTime,
  stated: d(
    'Fields of runInfo that the source does not hold: whoever imported it stated them.',
    optional(list(text())),
  ),
  leftOut: d('What the file holds and the record does not, one line each.', optional(list(text()))),
});

const series = object({
  name: text(),
  axis: d('What the steps count, where the source says.', optional(text())),
  steps: list(number()),
  values: d('One for each step.', list(number())),
  seconds: d('Wall time since the first value in the file, one for each step.', optional(list(number()))),
});

const importedRecord = object({
  schemaVersion: constant(IMPORTED_VERSION),
  importedFrom,
  runInfo: object({
    name: d('What the source calls the run.', text()),
    profile: constant(IMPORTED),
    experiment: optional(name),
    task: optional(name),
    method: optional(name),
    variant: optional(text()),
    seed: optional(integer()),
    createdAt: optional(utcTime),
    totalSeconds: optional(number(0)),
    status: optional(oneOf('completed', 'failed', 'cancelled', 'running')),
    error: optional(text()),
    trainConfig: optional(settings()),
    adapterConfig: optional(settings()),
  }),
  trainInfo: object({
    parameters: optional(object({ trainable: optional(integer()), total: optional(integer()) })),
    test: d('Final metrics, by the names of the source and in its units.', optional(metrics)),
    series: d('Metrics over the run.', optional(list(series))),
    trainSeconds: optional(number(0)),
    peakDeviceMemoryBytes: optional(integer()),
    adapterFileBytes: optional(integer()),
  }),
  metaInfo: d('Model, data and environment as the source states them.', settings()),
  values: d('Columns of a source that does not tell settings from results.', optional(settings())),
});

export type ImportedRecord = Infer<typeof importedRecord>;
export type Series = Infer<typeof series>;

/** The JSON Schema (draft 2020-12), as published in `schema/imported-record.v1.json`. */
export function importedJsonSchema(): Record<string, unknown> {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: `imported-record.v${IMPORTED_VERSION}.json`,
    title: 'Result of another program',
    ...importedRecord.jsonSchema,
  };
}

/** @throws RecordError for a missing, unknown or wrong field, or a series whose lists differ in length */
export function checkImported(value: unknown): ImportedRecord {
  const problem = importedRecord.check(value, '') ?? unequalSeries(value as ImportedRecord);
  if (problem !== undefined) throw new RecordError(problem);
  return value as ImportedRecord;
}

/** Tells the two kinds of record apart before either is checked. */
export function isImported(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'importedFrom' in value;
}

function unequalSeries({ trainInfo }: ImportedRecord): string | undefined {
  for (const [index, { steps, values, seconds }] of (trainInfo.series ?? []).entries())
    if (values.length !== steps.length || (seconds !== undefined && seconds.length !== steps.length))
      return `trainInfo.series[${index}]: its lists differ in length`;
  return undefined;
}
