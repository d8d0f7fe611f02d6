/** The paper's tables: sorting, filters, and a cell that tells what it is made of. */
import type { PageTable } from '../data/types.ts';
import { openCell } from './cell.ts';
import { data } from './data.ts';
import { all, button, element } from './dom.ts';
import { addFilter, makeSortable } from './sort.ts';

export function startTables(): void {
  for (const model of data.tables) {
    const table = document.querySelector<HTMLTableElement>(`[data-table="${model.profile}-${model.id}"]`);
    if (table === null) continue;
    makeSortable(table, (column) =>
      model.columns[column - 1]?.better === 'higher' ? 'descending' : 'ascending',
    );
    addTools(table, model);
    addCells(table, model);
  }
}

function addTools(table: HTMLTableElement, model: PageTable): void {
  const tools = element('div', { class: 'tools' });
  table.closest('.scroller')!.before(tools);
  addFilter(table, `Filter methods of ${model.title}`, tools);
  // A table of nineteen tasks hides what it says: the means alone.
  const means = new Set(
    model.columns.flatMap(({ kind, group }, at) => (kind === 'score' && group !== undefined ? [at + 1] : [])),
  );
  if (means.size === 0) return;
  const toggle = button(
    { class: 'toggle', 'aria-pressed': 'false' },
    () => {
      const isOn = toggle.getAttribute('aria-pressed') !== 'true';
      toggle.setAttribute('aria-pressed', String(isOn));
      for (const row of all<HTMLTableRowElement>('tr:not(.groups)', table))
        for (const at of means) row.cells[at]!.hidden = isOn;
      for (const heading of all<HTMLTableCellElement>('tr.groups > *', table)) {
        if (heading.tagName !== 'TH') continue;
        heading.dataset.span ??= String(heading.colSpan);
        heading.colSpan = isOn ? 1 : Number(heading.dataset.span);
      }
    },
    'Means only',
  );
  tools.append(toggle);
}

/** One stop of the Tab key a table; arrows go from cell to cell. */
function addCells(table: HTMLTableElement, model: PageTable): void {
  for (const row of all<HTMLTableRowElement>('tbody tr', table)) {
    const found = model.rows.find(({ key }) => key === row.dataset.row)!;
    for (const [at, column] of model.columns.entries()) {
      const cell = row.cells[at + 1]!;
      if (column.kind === 'text' || (cell.textContent ?? '') === '') continue;
      const opener = button({ class: 'cell', tabindex: -1 }, () => openCell(model, found, column));
      opener.append(...cell.childNodes);
      cell.append(opener);
    }
  }
  all('button.cell', table)[0]?.setAttribute('tabindex', '0');
  table.addEventListener('keydown', (event) => {
    const from = (event.target as Element).closest<HTMLElement>('button.cell');
    const to = from === null ? undefined : neighbour(from, event.key);
    if (to === undefined) return;
    event.preventDefault();
    to.focus();
  });
  table.addEventListener('focusin', ({ target }) => {
    const cell = (target as Element).closest('button.cell');
    if (cell === null) return;
    for (const other of all('button.cell[tabindex="0"]', table)) other.setAttribute('tabindex', '-1');
    cell.setAttribute('tabindex', '0');
  });
}

const STEPS: Readonly<Record<string, readonly [down: number, right: number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

/** Over what has no button, to the end of the table. */
function neighbour(from: HTMLElement, key: string): HTMLElement | undefined {
  const step = STEPS[key];
  const cell = from.closest('td');
  if (step === undefined || cell === null) return undefined;
  const rows = all<HTMLTableRowElement>('tbody tr', cell.closest('table')!).filter(({ hidden }) => !hidden);
  let [at, column] = [rows.indexOf(cell.parentElement as HTMLTableRowElement), cell.cellIndex];
  for (;;) {
    at += step[0];
    column += step[1];
    const next = rows[at]?.cells[column];
    if (next === undefined) return undefined;
    const opener = next.hidden ? null : next.querySelector<HTMLElement>('button.cell');
    if (opener !== null) return opener;
  }
}
