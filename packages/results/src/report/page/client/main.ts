/** Makes the static page answer. Every part works on its own markup; without this script all of it stays readable. */
import { startCharts } from './charts.ts';
import { addCopyButtons } from './copy.ts';
import { startCurves } from './curves.ts';
import { startDialog } from './dialog.ts';
import { all, element, one } from './dom.ts';
import { startProfile, startTheme } from './profile.ts';
import { startRuns } from './runs.ts';
import { addFilter, makeSortable } from './sort.ts';
import { startTables } from './tables.ts';

document.documentElement.classList.add('scripted');
startTheme();
startDialog();
startTables();
startAudit();
startCurves();
startCharts();
addCopyButtons();
startRuns();
startProfile();
startPrint();

function startAudit(): void {
  const table = one<HTMLTableElement>('[data-filter="audit"]');
  makeSortable(table, () => 'ascending');
  const tools = element('div', { class: 'tools' });
  table.closest('.scroller')!.before(tools);
  addFilter(table, 'Filter findings', tools, (row) => row.textContent ?? '');
}

/** Paper has nothing to open. */
function startPrint(): void {
  const opened = new Set<HTMLDetailsElement>();
  addEventListener('beforeprint', () => {
    for (const details of all<HTMLDetailsElement>('details.missing:not([open])')) {
      details.open = true;
      opened.add(details);
    }
  });
  addEventListener('afterprint', () => {
    for (const details of opened) details.open = false;
    opened.clear();
  });
}
