/** CSV files of Weights & Biases. */
import papaparse from 'papaparse';
import { RecordError } from '../../../schema.ts';
import { type SourceFile, textOf } from '../source.ts';

export function headerOf(source: SourceFile): string[] {
  const end = source.bytes.indexOf(0x0a);
  const line = Buffer.from(end < 0 ? source.bytes : source.bytes.subarray(0, end)).toString('utf8');
  return papaparse.parse<string[]>(line.replace(/^\ufeff/, ''), { delimiter: ',' }).data[0] ?? [];
}

/** @throws RecordError with the line of a broken row */
export function readTable(source: SourceFile): { header: string[]; rows: string[][] } {
  const { data, errors } = papaparse.parse<string[]>(textOf(source).replace(/^\ufeff/, ''), {
    delimiter: ',',
    skipEmptyLines: true,
  });
  const [header, ...rows] = data;
  if (errors.length > 0) throw new RecordError(`row ${errors[0]!.row ?? 0}: ${errors[0]!.message}`);
  const uneven = rows.findIndex((row) => row.length !== header!.length);
  if (uneven >= 0)
    throw new RecordError(
      `row ${uneven + 1} has ${rows[uneven]!.length} cells, the header ${header!.length}`,
    );
  if (rows.length === 0) throw new RecordError('holds no rows');
  return { header: header!, rows };
}
