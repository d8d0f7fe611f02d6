/** After a campaign: every record whole, none lost or twice, and the same numbers as without faults. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { identityOf, type RunRecord, readRecords, runName, taskFolder } from '@psoft/results';

export interface Verdict {
  readonly records: number;
  readonly continued: number;
  /** How often runs were continued, all together. */
  readonly continuations: number;
  readonly compared: number;
  /** Empty when all is well. */
  readonly problems: readonly string[];
}

interface Folders {
  readonly results: string;
  readonly runs: string;
}

/**
 * @param expected how many runs there are
 * @param reference the same runs, never interrupted; some of them are enough
 */
export async function judge(faulty: Folders, expected: number, reference?: Folders): Promise<Verdict> {
  const problems: string[] = [];
  const { records, skipped } = await readRecords(faulty.results);
  for (const { file, reason } of skipped) problems.push(`${file}: ${reason}`);
  const hashes = new Set(records.map(({ runInfo }) => runInfo.configHash));
  if (hashes.size !== records.length) problems.push(`${records.length - hashes.size} runs are counted twice`);
  if (records.length !== expected) problems.push(`${records.length} records, ${expected} runs`);
  for (const record of records) {
    const folder = path.join(faulty.runs, placeOf(record));
    for (const left of ['checkpoint.safetensors', 'lock', 'failed.json', 'cancelled.json'])
      if (existsSync(path.join(folder, left))) problems.push(`${placeOf(record)}: ${left} is left`);
    if (!existsSync(path.join(folder, 'run.json')))
      problems.push(`${placeOf(record)}: what was trained is lost`);
  }
  for (const folder of [faulty.results, faulty.runs])
    for (const file of filesBelow(folder))
      if (file.endsWith('.tmp')) problems.push(`${path.join(folder, file)} is left`);
  let compared = 0;
  if (reference !== undefined) {
    const others = new Map(
      (await readRecords(reference.results)).records.map((record) => [record.runInfo.configHash, record]),
    );
    for (const record of records) {
      const other = others.get(record.runInfo.configHash);
      if (other === undefined) continue;
      compared++;
      const [one, two] = [outcomeOf(record, faulty.runs), outcomeOf(other, reference.runs)];
      if (one !== two) problems.push(`${placeOf(record)} ended otherwise: ${one} instead of ${two}`);
    }
  }
  const times = records.map(({ runInfo }) => runInfo.continued ?? 0);
  return {
    records: records.length,
    continued: times.filter((count) => count > 0).length,
    continuations: times.reduce((sum, count) => sum + count, 0),
    compared,
    problems,
  };
}

const placeOf = (record: RunRecord) => path.join(taskFolder(record.runInfo), runName(identityOf(record)));

/** All numbers that do not hang on the clock, and the bytes of what was trained. */
function outcomeOf(record: RunRecord, runs: string): string {
  const { metrics, best, test, parameters } = record.trainInfo;
  const rows = metrics.map(({ epoch, step, trainLoss, selection, learningRate, meanGradientNorm }) => ({
    epoch,
    step,
    trainLoss,
    selection,
    learningRate,
    meanGradientNorm,
  }));
  const folder = path.join(runs, placeOf(record));
  const files = filesBelow(folder)
    .filter((file) => file.endsWith('.safetensors') || file.endsWith('.jsonl'))
    .sort()
    .map((file) => [
      file,
      createHash('sha256')
        .update(readFileSync(path.join(folder, file)))
        .digest('hex')
        .slice(0, 16),
    ]);
  return JSON.stringify({ rows, best, test, parameters, files });
}

function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));
}
