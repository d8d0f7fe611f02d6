/** Imported results on disk: `imported/<format>/<name>-<hash>.json` below the results, apart from the runs. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { writeAtomically } from '../atomic.ts';
import { findFiles } from '../files.ts';
import { canonicalJson, sha256 } from '../identity.ts';
import { oneLine, parseJson } from '../parse.ts';
import { RecordError } from '../schema.ts';
import type { SkippedFile } from '../store.ts';
import { checkImported, IMPORTED, type ImportedRecord } from './schema.ts';

export interface ImportedSet {
  /** In the order of their paths. */
  readonly records: readonly ImportedRecord[];
  /** Files named like records that are none. */
  readonly skipped: readonly SkippedFile[];
}

/** Relative to the results. The same entry of the same file has the same place, however often it is imported. */
export function importedPath(record: ImportedRecord): string {
  return path.join(IMPORTED, record.importedFrom.format, `${importedName(record)}.json`);
}

/** `<name>-<hash8>`: the source's name as far as it can be part of a file's. */
export function importedName({ importedFrom, runInfo }: ImportedRecord): string {
  const slug = runInfo.name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 60)
    .replace(/^-|-$/g, '');
  return `${slug || 'run'}-${importedHash({ importedFrom }).slice(0, 8)}`;
}

/** SHA-256 of where the result comes from: its file's bytes, and its place in it. */
export function importedHash({ importedFrom }: Pick<ImportedRecord, 'importedFrom'>): string {
  const { format, sha256: file, entry } = importedFrom;
  return sha256({ format, file, entry });
}

/**
 * Writes an imported result to its place below `root`. What is there already, but for the time of import, stays.
 * @returns its path relative to the root, and whether the file is new or changed
 * @throws RecordError when the record is not valid
 */
export async function writeImported(
  root: string,
  record: ImportedRecord,
): Promise<{ readonly file: string; readonly isNew: boolean }> {
  checkImported(record);
  const file = importedPath(record);
  const before = await readFile(path.join(root, file), 'utf8').then(parse, () => undefined);
  if (before !== undefined && contentOf(before) === contentOf(record)) return { file, isNew: false };
  await writeAtomically(path.join(root, file), compact(record));
  return { file, isNew: true };
}

/** Every imported result below `root`; an absent root holds none. */
export async function readImported(root: string): Promise<ImportedSet> {
  const folder = path.join(root, IMPORTED);
  const { files, unread } = await findFiles(folder, (name) => name.endsWith('.json'));
  const records: ImportedRecord[] = [];
  const skipped: SkippedFile[] = unread.map(({ file, reason }) => ({
    file: path.join(IMPORTED, file),
    reason,
  }));
  for (const name of files) {
    const file = path.join(IMPORTED, name);
    try {
      const record = checkImported(parseJson(await readFile(path.join(root, file), 'utf8')));
      if (importedPath(record) !== file)
        throw new RecordError(`is the result of ${importedPath(record)}; move it there`);
      records.push(record);
    } catch (error) {
      skipped.push({ file, reason: oneLine(error) });
    }
  }
  return { records, skipped };
}

function parse(text: string): ImportedRecord | undefined {
  try {
    return checkImported(parseJson(text));
  } catch {
    // A damaged file is replaced.
    return undefined;
  }
}

function contentOf({ importedFrom, ...rest }: ImportedRecord): string {
  const { importedAt: _, ...from } = importedFrom;
  return canonicalJson({ ...rest, importedFrom: from });
}

/** Indented JSON whose lists of numbers take one line each: a curve has thousands of them. */
function compact(record: ImportedRecord): string {
  // Inside a text, line breaks are escaped: what is matched is never part of one.
  const text = JSON.stringify(record, undefined, 2).replace(
    /\[\n\s+(-?[\d.eE+-]+(?:,\n\s+-?[\d.eE+-]+)*)\n\s+\]/g,
    (_, numbers: string) => `[${numbers.replace(/,\n\s+/g, ', ')}]`,
  );
  return `${text}\n`;
}
