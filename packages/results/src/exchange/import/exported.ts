/** Our own exports. Their runs become imported results, or, where that is asked for, records of runs again. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { flatten } from '../../flatten.ts';
import { canonicalJson, identityOf, recordPath, runName } from '../../identity.ts';
import { checkImported, type ImportedRecord, isImported, type Series } from '../../imported/index.ts';
import { parseJson, readRecordFile, recordFrom } from '../../parse.ts';
import { RecordError, type RunRecord } from '../../schema.ts';
import { writeRecord } from '../../store.ts';
import { EXPORT_FORMAT, EXPORT_VERSION } from '../json.ts';
import { importedRecord, isJsonObject, type Reader, type SourceFile, textOf } from './source.ts';

export const exportedReader: Reader = {
  format: 'psoft',
  title: 'an export of psoft runs (JSON)',
  reads: ({ bytes }) =>
    new RegExp(`^\\s*\\{\\s*"format"\\s*:\\s*"${EXPORT_FORMAT}"`).test(
      Buffer.from(bytes.subarray(0, 200)).toString('utf8'),
    ),
  read: (source) =>
    recordsOf(source).map((record) => ('importedFrom' in record ? record : asImported(source, record))),
};

/**
 * The records of an export, as they were.
 * @throws RecordError naming the record that is none
 */
export function recordsOf(source: SourceFile): (RunRecord | ImportedRecord)[] {
  const file = parseJson(textOf(source));
  if (!isJsonObject(file) || !Array.isArray(file.records)) throw new RecordError('records: missing');
  if (file.version !== EXPORT_VERSION)
    throw new RecordError(
      `version: ${file.version} of exports is not known; this code reads ${EXPORT_VERSION}`,
    );
  return file.records.map((value, index) => {
    try {
      return isImported(value) ? checkImported(value) : recordFrom(value);
    } catch (error) {
      throw new RecordError(`records[${index}]: ${(error as Error).message}`);
    }
  });
}

export interface Restored {
  /** Relative to the results. */
  readonly file: string;
  readonly outcome: 'restored' | 'there already' | 'kept another' | 'did not end';
}

/**
 * Puts runs of an export where their records belong. A record that is there and differs stays, unless `replaces`; runs
 * that did not end are no results and are left out.
 */
export async function restoreRuns(
  root: string,
  records: readonly RunRecord[],
  replaces = false,
): Promise<Restored[]> {
  const restored: Restored[] = [];
  for (const record of records) {
    const file = recordPath(identityOf(record));
    restored.push({ file, outcome: await restore(root, file, record, replaces) });
  }
  return restored;
}

async function restore(
  root: string,
  file: string,
  record: RunRecord,
  replaces: boolean,
): Promise<Restored['outcome']> {
  if (record.runInfo.status !== 'completed') return 'did not end';
  const absolute = path.join(root, file);
  if (existsSync(absolute)) {
    const before = await readRecordFile(absolute).catch(() => undefined);
    if (before !== undefined && canonicalJson(before) === canonicalJson(record)) return 'there already';
    if (!replaces) return 'kept another';
  }
  await writeRecord(root, record);
  return 'restored';
}

function asImported(source: SourceFile, record: RunRecord): ImportedRecord {
  const { runInfo, trainInfo, metaInfo, referenceScore } = record;
  const { experiment, task, method, variant, seed, createdAt, totalSeconds, status, error } = runInfo;
  const { profile, protocol, protocolVariant, configHash, seeds, evaluates, evaluationConfig } = runInfo;
  const { trainable, total } = trainInfo.parameters;
  const { test, peakDeviceMemoryBytes, adapterFileBytes } = trainInfo;
  return importedRecord(
    source,
    'psoft',
    {
      runInfo: {
        ...{ name: runName(identityOf(record)), experiment, task, method, variant, seed, createdAt },
        ...{ totalSeconds, status, error },
        ...{ trainConfig: runInfo.trainConfig, adapterConfig: runInfo.adapterConfig },
      },
      trainInfo: {
        parameters: { trainable, total },
        series: curvesOf(trainInfo.metrics),
        ...{ test, peakDeviceMemoryBytes, adapterFileBytes },
      },
      metaInfo: {
        ...metaInfo,
        runInfo: { profile, protocol, protocolVariant, configHash, seeds, evaluates, evaluationConfig },
        referenceScore,
      },
    },
    { entry: `${profile}/${experiment}/${task}/${runName(identityOf(record))}` },
  );
}

/** Rows of epochs as one curve a value. */
function curvesOf(rows: RunRecord['trainInfo']['metrics']): Series[] {
  const curves = new Map<string, { steps: number[]; values: number[] }>();
  for (const row of rows) {
    const { step, ...rest } = row;
    for (const [name, value] of flatten(rest as unknown as Record<string, unknown>)) {
      const curve = curves.get(name) ?? { steps: [], values: [] };
      curve.steps.push(step);
      curve.values.push(value as number);
      curves.set(name, curve);
    }
  }
  return [...curves].map(([name, points]) => ({ name, axis: 'step', ...points }));
}
