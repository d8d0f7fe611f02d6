/** Whole records in one JSON file, which `psoft runs import` takes back. */
import type { Entry } from '../query/ledger.ts';

export const EXPORT_FORMAT = 'psoft-export';
export const EXPORT_VERSION = 1;

/** The same records give the same bytes. */
export function toJson(entries: readonly Entry[]): string {
  const file = {
    format: EXPORT_FORMAT,
    version: EXPORT_VERSION,
    records: entries.map(({ record }) => record),
  };
  return `${JSON.stringify(file, undefined, 2)}\n`;
}
