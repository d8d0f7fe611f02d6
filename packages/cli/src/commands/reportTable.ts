/** A table that was made: printed, and written where it is asked for. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { ReportOptionValues } from './planOptions.ts';
import { formatTable } from './textTable.ts';

/** @param title stands above it, but for CSV */
export async function printTable(
  title: string,
  { header, body }: { readonly header: readonly string[]; readonly body: readonly (readonly string[])[] },
  { format, out }: ReportOptionValues,
): Promise<void> {
  const text = formatTable(header, body, format);
  process.stdout.write(`${[...(format === 'csv' ? [] : [title, '']), ...text].join('\n')}\n`);
  if (out === undefined) return;
  const { writeAtomically } = await import('@psoft/results');
  await mkdir(path.dirname(path.resolve(out)), { recursive: true });
  await writeAtomically(path.resolve(out), `${text.join('\n')}\n`);
}
