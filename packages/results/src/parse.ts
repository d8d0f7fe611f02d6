/** A record from its text: migrated, checked, and with the hash of its contents. */
import { readFile } from 'node:fs/promises';
import { configHash, identityOf } from './identity.ts';
import { type Migrations, migrate } from './migrations.ts';
import { oneLine as lineOf } from './schema/shape.ts';
import { checkRecord, RecordError, type RunRecord } from './schema.ts';

/**
 * @param migrations for tests
 * @throws RecordError that says in one line what is wrong
 */
export function parseRecord(text: string, migrations?: Migrations): RunRecord {
  return recordFrom(parseJson(text), migrations);
}

/**
 * As {@link parseRecord}, of a value.
 * @throws RecordError
 */
export function recordFrom(value: unknown, migrations?: Migrations): RunRecord {
  const record = checkRecord(migrate(value, migrations));
  checkHash(record);
  return record;
}

/**
 * The record in a file.
 * @throws RecordError naming the file, also where there is none
 */
export async function readRecordFile(file: string): Promise<RunRecord> {
  try {
    return parseRecord(await readFile(file, 'utf8'));
  } catch (error) {
    throw new RecordError(`${file}: ${oneLine(error)}`);
  }
}

/** @throws RecordError for a hash that is not that of the record's contents */
export function checkHash(record: RunRecord): void {
  const stated = record.runInfo.configHash;
  const computed = configHash(identityOf(record));
  if (stated !== computed)
    throw new RecordError(
      `runInfo.configHash: ${stated.slice(0, 8)}... is not the hash of the record's settings and data (${computed.slice(0, 8)}...)`,
    );
}

/** @throws RecordError for an empty text and for what is no JSON */
export function parseJson(text: string): unknown {
  if (text.trim() === '') throw new RecordError('the file is empty');
  if (isDeeperThan(text, DEEPEST)) throw new RecordError(`nested more than ${DEEPEST} deep`);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new RecordError(`not valid JSON: ${oneLine(error)}`);
  }
}

/** No record is nested a tenth as deep; what walks through one goes as deep as it is. */
const DEEPEST = 100;

function isDeeperThan(text: string, most: number): boolean {
  let [depth, isInText] = [0, false];
  for (let i = 0; i < text.length; i++) {
    const letter = text[i];
    if (isInText) {
      if (letter === '\\') i++;
      else if (letter === '"') isInText = false;
    } else if (letter === '"') isInText = true;
    else if (letter === '{' || letter === '[') {
      if (++depth > most) return true;
    } else if (letter === '}' || letter === ']') depth--;
  }
  return false;
}

/**
 * Why something could not be read, on one line. What JavaScript says when code stumbles over a value that it did not
 * expect tells nothing about the file but that it is built otherwise.
 */
export function oneLine(error: unknown): string {
  const isStumble = [TypeError, RangeError, ReferenceError].some((kind) => error instanceof kind);
  return isStumble ? 'it is not built as such a file is' : lineOf((error as Error).message);
}
