/**
 * Results of PEFT's method_comparison: one JSON file a run, with `run_info`, `train_info` and `meta_info`. Fields as
 * its `log_results` writes them (huggingface/peft, method_comparison/MetaMathQA/utils.py; image-gen differs in the
 * names of its metrics only).
 */
import type { ImportedRecord, Series } from '../../imported/schema.ts';
import { parseJson } from '../../parse.ts';
import { RecordError } from '../../schema.ts';
import {
  countOf,
  importedRecord,
  isJsonObject,
  type JsonObject,
  nameOf,
  numberOf,
  type Reader,
  type SourceFile,
  textOf,
  utcOf,
} from './source.ts';

const STATUS = { success: 'completed', failed: 'failed', canceled: 'cancelled' } as const;

export const peftReader: Reader = {
  format: 'peft',
  title: "a result of PEFT's method_comparison (run_info, train_info, meta_info)",
  reads: ({ bytes }) => bytes[0] === 0x7b && /"run_info"\s*:/.test(Buffer.from(bytes).toString('utf8')),
  read: (source) => [readResult(source)],
};

function readResult(source: SourceFile): ImportedRecord {
  const file = parsePythonJson(textOf(source));
  const [run, train, meta] = ['run_info', 'train_info', 'meta_info'].map((key) => part(file, key)) as [
    JsonObject,
    JsonObject,
    JsonObject,
  ];
  const { experiment_name: experimentName, train_config: trainConfig, peft_config: peftConfig } = run;
  if (typeof experimentName !== 'string') throw new RecordError('run_info.experiment_name: missing');
  const [folder, ...rest] = experimentName.split('/');
  const { test, series, leftOut } = metricsOf(train.metrics);
  const { pytorch_info: build, ...metaInfo } = meta;
  return importedRecord(
    source,
    'peft',
    {
      runInfo: {
        name: experimentName,
        // Folders tell LoRA from DoRA, which PEFT configures as one; "full-finetuning" has no configuration.
        method: nameOf(folder),
        variant: rest.length === 0 ? undefined : rest.join('/'),
        seed: countOf(isJsonObject(trainConfig) ? trainConfig.seed : undefined),
        createdAt: utcOf(run.created_at),
        totalSeconds: numberOf(run.total_time),
        status: STATUS[train.status as keyof typeof STATUS],
        error: run.error_msg === '' ? undefined : (run.error_msg as string | undefined),
        trainConfig: isJsonObject(trainConfig) ? trainConfig : undefined,
        adapterConfig: isJsonObject(peftConfig) ? peftConfig : undefined,
      },
      trainInfo: {
        parameters: {
          trainable: countOf(train.num_trainable_params),
          total: countOf(train.num_total_params),
        },
        test,
        series,
        trainSeconds: numberOf(train.train_time),
        peakDeviceMemoryBytes: countOf(train.accelerator_memory_max),
        adapterFileBytes: countOf(train.file_size),
      },
      metaInfo: {
        ...metaInfo,
        run_info: { peft_branch: run.peft_branch, peft_worktree_is_dirty: run.peft_worktree_is_dirty },
        train_info: {
          accelerator_memory_reserved_avg: train.accelerator_memory_reserved_avg,
          accelerator_memory_reserved_99th: train.accelerator_memory_reserved_99th,
        },
      },
    },
    {
      leftOut: [...leftOut, ...(build === undefined ? [] : ['meta_info.pytorch_info: how torch was built'])],
    },
  );
}

/** The last row holds the test's metrics, where the run came that far; every row feeds the curves. */
function metricsOf(rows: unknown): { test?: Record<string, number>; series: Series[]; leftOut: string[] } {
  if (!Array.isArray(rows) || !rows.every(isJsonObject))
    throw new RecordError('train_info.metrics: expected a list of rows');
  const last = rows.at(-1);
  const isTested = last !== undefined && Object.keys(last).some((key) => key.startsWith('test '));
  const series = new Map<string, { steps: number[]; values: number[] }>();
  let missing = 0;
  for (const row of isTested ? rows.slice(0, -1) : rows) {
    const step = numberOf(row.step);
    if (step === undefined) throw new RecordError('train_info.metrics: a row has no step');
    for (const [key, value] of Object.entries(row)) {
      if (key === 'step') continue;
      if (typeof value !== 'number') {
        missing++;
        continue;
      }
      const one = series.get(key) ?? { steps: [], values: [] };
      one.steps.push(step);
      one.values.push(value);
      series.set(key, one);
    }
  }
  const test = isTested
    ? Object.fromEntries(
        Object.entries(last).filter(
          (pair): pair is [string, number] => pair[0] !== 'step' && typeof pair[1] === 'number',
        ),
      )
    : undefined;
  return {
    ...(test === undefined ? {} : { test }),
    series: [...series].map(([name, points]) => ({ name, axis: 'step', ...points })),
    leftOut: missing === 0 ? [] : [`train_info.metrics: ${missing} values that are no finite numbers`],
  };
}

function part(file: JsonObject, key: string): JsonObject {
  const value = file[key];
  if (!isJsonObject(value)) throw new RecordError(`${key}: missing`);
  return value;
}

/** Python writes NaN and infinities, which JSON has not: they are null here, so absent. */
export function parsePythonJson(text: string): JsonObject {
  const strict = text.replace(/"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g, (token) =>
    token.startsWith('"') ? token : 'null',
  );
  const value = parseJson(strict);
  if (!isJsonObject(value)) throw new RecordError('expected an object');
  return value;
}
