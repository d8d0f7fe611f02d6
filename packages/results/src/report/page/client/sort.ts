/** Headings that sort: up, down, and back to the table's own order. */
import { all, announce, button, one } from './dom.ts';

type Direction = 'ascending' | 'descending';

/** @param first which way numbers go first: the best in front, where larger is better */
export function makeSortable(table: HTMLTableElement, first: (column: number) => Direction): void {
  const headings = all<HTMLTableCellElement>('thead tr:last-child > th', table);
  const own = new Map(all<HTMLTableSectionElement>('tbody', table).map((body) => [body, [...body.rows]]));
  for (const [column, heading] of headings.entries()) {
    const title = heading.textContent ?? '';
    const sorter = button({ class: 'sort' }, () => {
      const start = first(column);
      const now = heading.getAttribute('aria-sort');
      const next = now === null ? start : now === start ? opposite(start) : undefined;
      for (const other of headings) other.removeAttribute('aria-sort');
      if (next !== undefined) heading.setAttribute('aria-sort', next);
      for (const [body, rows] of own)
        body.append(...(next === undefined ? rows : sorted(rows, column, next)));
      announce(next === undefined ? 'Own order' : `Sorted by ${title}, ${next}`);
    });
    sorter.append(...heading.childNodes);
    heading.replaceChildren(sorter);
  }
}

const opposite = (direction: Direction): Direction =>
  direction === 'ascending' ? 'descending' : 'ascending';

/** Numbers by size, texts by their letters; what has no value comes last either way. */
export function sorted(
  rows: readonly HTMLTableRowElement[],
  column: number,
  direction: Direction,
): HTMLTableRowElement[] {
  const sign = direction === 'ascending' ? 1 : -1;
  const keyed = rows.map((row) => ({ row, key: keyOf(row.cells[column]!) }));
  return keyed
    .sort((a, b) => {
      if (a.key === undefined || b.key === undefined)
        return (a.key === undefined ? 1 : 0) - (b.key === undefined ? 1 : 0);
      return (
        sign *
        (typeof a.key === 'number' && typeof b.key === 'number'
          ? a.key - b.key
          : collator.compare(String(a.key), String(b.key)))
      );
    })
    .map(({ row }) => row);
}

const collator = new Intl.Collator('en', { numeric: true });

function keyOf(cell: HTMLTableCellElement): number | string | undefined {
  if (cell.dataset.value !== undefined) return Number(cell.dataset.value);
  const text = cell.textContent?.trim() ?? '';
  return text === '' || text === '—' ? undefined : text;
}

/** Rows whose heading holds the text stay. */
export function addFilter(
  table: HTMLTableElement,
  label: string,
  place: HTMLElement,
  textOf = rowHeading,
): HTMLInputElement {
  const input = document.createElement('input');
  input.type = 'search';
  input.setAttribute('aria-label', label);
  input.placeholder = label;
  input.addEventListener('input', () => {
    const wanted = input.value.trim().toLowerCase();
    const rows = all<HTMLTableRowElement>('tbody tr', table);
    for (const row of rows) row.hidden = !textOf(row).toLowerCase().includes(wanted);
    announce(`${rows.filter(({ hidden }) => !hidden).length} of ${rows.length} rows`);
  });
  place.append(input);
  return input;
}

const rowHeading = (row: HTMLTableRowElement): string => one('th', row).textContent ?? '';
