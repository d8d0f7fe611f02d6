/** The rows of a table, before they have values. */
import type { RowContext } from './cells.ts';
import type { PaperRow } from './paperValues.ts';
import type { PlannedRow, PlannedTable } from './plan.ts';
import { OWN_ROWS, type RowMapping } from './rows.ts';
import { settingText } from './settings.ts';
import type { TableSpec } from './spec.ts';

export type Place = Omit<RowContext, 'records' | 'values'>;

/** Rows in the paper's order, then those that it does not have. */
export function placesOf(
  { id, source }: TableSpec,
  planned: PlannedTable,
  mapping: readonly RowMapping[],
  printed: readonly PaperRow[],
  isPaper: boolean,
): Place[] {
  const own = new Map(planned.rows.map((row) => [row.key, row]));
  const mapped = mapping.flatMap((entry): Place[] => {
    const paperRow = printed.find(({ label }) => label === entry.paper);
    if (paperRow === undefined) throw new Error(`${id}: the paper has no row "${entry.paper}"`);
    const row = entry.ours === undefined ? undefined : own.get(entry.ours);
    // The tiny profile sweeps other points, and has no use for rows without runs.
    if (row === undefined && (entry.notOffered === undefined || !isPaper)) {
      if (entry.ours !== undefined && isPaper) throw new Error(`${id}: "${entry.ours}" is not planned`);
      return [];
    }
    return [
      {
        key: row?.key ?? entry.paper,
        method: paperRow.method,
        setting: isPaper ? paperRow.config : ownSetting(row!),
        ...{ paperRow, group: entry.group, role: entry.role, isRival: entry.isRival },
        ...(row && { row }),
        ...(entry.notOffered === undefined ? {} : { notOffered: entry.notOffered }),
      },
    ];
  });
  const isMapped = new Set(mapped.map(({ key }) => key));
  const others = planned.rows.filter(({ key }) => !isMapped.has(key));
  const isOfPaper = (row: PlannedRow) => source.kind === 'sweep' && source.series.includes(row.series ?? '');
  const rest = others.map((row): Place => {
    const { method, role } = OWN_ROWS[row.key] ?? { method: row.series ?? row.key, role: 'ranked' };
    const group = source.kind === 'sweep' && !isOfPaper(row) ? 1 : 0;
    return { key: row.key, method, setting: ownSetting(row), group, role, isRival: false, row };
  });
  const all = isPaper ? [...mapped, ...rest] : [...mapped.filter(({ row }) => row !== undefined), ...rest];
  return source.kind === 'sweep' ? sweepPlaces(all, planned, isPaper) : all;
}

/** Points are told apart by columns of their own. Where the paper has no order, that of the varied values, then the file's. */
function sweepPlaces(places: readonly Place[], planned: PlannedTable, isPaper: boolean): Place[] {
  const named = places.map((place) => ({ ...place, method: place.row?.series ?? place.method, setting: '' }));
  if (isPaper) return named;
  const order = new Map(planned.rows.map(({ key }, at) => [key, at]));
  const first = ({ row }: Place) => Number(Object.values(row?.varied ?? {})[0]);
  return named.sort(
    (a, b) => a.group - b.group || first(a) - first(b) || order.get(a.key)! - order.get(b.key)!,
  );
}

function ownSetting(row: PlannedRow): string {
  const [run] = Object.values(row.cells).flatMap((cell) =>
    'seeds' in cell ? cell.seeds.flatMap(({ candidates }) => candidates) : [],
  );
  return settingText(row.method, run?.adapterConfig ?? {});
}
