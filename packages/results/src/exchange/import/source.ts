/** What every reader of another program's results takes and gives. */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { IMPORTED, IMPORTED_VERSION, type ImportedRecord, type ImportFormat } from '../../imported/schema.ts';
import type { Json } from '../../schema/shape.ts';
import { RecordError } from '../../schema.ts';

export interface SourceFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** UTC; when it is imported. */
  readonly importedAt: string;
}

/** One format of results. */
export interface Reader {
  readonly format: ImportFormat;
  /** For messages: "PEFT's method_comparison results". */
  readonly title: string;
  /** Whether the file is of this format, by its beginning. */
  reads(source: SourceFile): boolean;
  /** @throws RecordError that says in one line what is wrong, without the file's name */
  read(source: SourceFile): ImportedRecord[];
}

/** Fields may hold undefined, which is that they are absent. What is not as it should be, the check finds. */
type Loose<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [K in keyof T]?: Loose<T[K]> | undefined }
    : T;

type Parts = Loose<Pick<ImportedRecord, 'trainInfo' | 'metaInfo' | 'values'>> & {
  readonly runInfo: Loose<Omit<ImportedRecord['runInfo'], 'profile'>> & { readonly name: string };
};

/** The record of an entry, with where it comes from. */
export function importedRecord(
  source: SourceFile,
  format: ImportFormat,
  parts: Parts,
  { entry, leftOut = [] }: { readonly entry?: string; readonly leftOut?: readonly string[] } = {},
): ImportedRecord {
  const { name, ...runInfo } = parts.runInfo;
  return withoutUndefined({
    schemaVersion: IMPORTED_VERSION,
    importedFrom: {
      format,
      file: path.basename(source.path),
      sha256: createHash('sha256').update(source.bytes).digest('hex'),
      entry,
      importedAt: source.importedAt,
      leftOut: leftOut.length === 0 ? undefined : leftOut,
    },
    ...parts,
    runInfo: { name, profile: IMPORTED, ...runInfo },
  });
}

/** Keys that hold `undefined` are absent in JSON. */
function withoutUndefined(value: unknown): ImportedRecord {
  const clean = (one: unknown): unknown => {
    if (Array.isArray(one)) return one.map(clean);
    if (typeof one !== 'object' || one === null) return one;
    return Object.fromEntries(
      Object.entries(one)
        .filter(([, inner]) => inner !== undefined)
        .map(([key, inner]) => [key, clean(inner)]),
    );
  };
  return clean(value) as ImportedRecord;
}

export function textOf({ bytes }: SourceFile): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new RecordError('is not UTF-8 text');
  }
}

export type JsonObject = Readonly<Record<string, Json>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A number, where there is one. */
export function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** A count, where there is one. */
export function countOf(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined;
}

/**
 * A time as our records write it.
 * @returns undefined for what is none
 */
export function utcOf(value: unknown): string | undefined {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d/.test(value)) return undefined;
  // A time without a zone would be read in that of the machine.
  const hasZone = /(Z|[+-]\d\d:?\d\d)$/.test(value);
  const time = new Date(hasZone ? value : `${value.replace(' ', 'T')}Z`);
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}

/** A name as methods and tasks bear it: lower case, parts joined by "-"; undefined where nothing is left. */
export function nameOf(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const name = value
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
  return name === '' ? undefined : name;
}
