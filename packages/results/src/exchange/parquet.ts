/**
 * Tables as Parquet, by hyparquet-writer: 64-bit integers, doubles, booleans or texts, a column by what all its values
 * are. Lists, and columns of mixed kinds, are JSON texts; absent values are nulls.
 */
import { parquetWriteBuffer } from 'hyparquet-writer';
import { RecordError } from '../schema.ts';
import type { Tabular } from './tabular.ts';

type Kind = 'INT64' | 'DOUBLE' | 'BOOLEAN' | 'STRING' | 'JSON';

/** @throws RecordError for a table without rows, which would have no types */
export function toParquet({ columns, rows }: Tabular): Uint8Array {
  if (rows.length === 0)
    throw new RecordError('no records to write: a parquet file needs a row to type its columns');
  const columnData = columns.map((name) => {
    const values = rows.map((row) => row[name]);
    const kind = kindOf(values);
    return {
      name,
      data: values.map((value) => (value === undefined ? null : convert(value, kind))),
      // Texts of JSON are plain texts to those who read them.
      type: kind === 'JSON' ? ('STRING' as const) : kind,
      nullable: true,
    };
  });
  return new Uint8Array(parquetWriteBuffer({ columnData, createdBy: 'psoft' }));
}

function kindOf(values: readonly unknown[]): Kind {
  const kinds = new Set(values.filter((value) => value !== undefined).map(kindOfValue));
  if (kinds.size === 1) return [...kinds][0]!;
  if (kinds.size === 2 && kinds.has('INT64') && kinds.has('DOUBLE')) return 'DOUBLE';
  return 'JSON';
}

function kindOfValue(value: unknown): Kind {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? 'INT64' : 'DOUBLE';
  if (typeof value === 'boolean') return 'BOOLEAN';
  return typeof value === 'string' ? 'STRING' : 'JSON';
}

function convert(value: unknown, kind: Kind): unknown {
  if (kind === 'INT64') return BigInt(value as number);
  return kind === 'JSON' ? JSON.stringify(value) : value;
}
