/** What stands behind one cell of a table. */
import type { ReportCell, ReportColumn, ReportRow } from '../../tables/model.ts';
import type { PageTable } from '../data/types.ts';
import { commandBox, copyButton } from './copy.ts';
import { runs } from './data.ts';
import { openDialog } from './dialog.ts';
import { type Content, element } from './dom.ts';
import { number } from './format.ts';
import { facts, section } from './parts.ts';
import { runTable } from './runTable.ts';

/** Commands that are shown unasked. */
const FEW = 3;

export function openCell(table: PageTable, row: ReportRow, column: ReportColumn): void {
  const cell = row.cells[column.id]!;
  const own = runsOf(table, row, column);
  openDialog({
    title: `${table.title}: ${[row.method, row.setting].filter((one) => one !== '').join(' ')}, ${column.group === undefined ? '' : `${column.group}, `}${column.title}`,
    body: [
      facts(valueFacts(table, cell, column)),
      cell.unavailable === undefined
        ? undefined
        : section('Not to be had', element('p', {}, cell.unavailable)),
      cell.missing === undefined
        ? undefined
        : section(
            cell.ours === undefined
              ? 'Fill this cell'
              : `Fill the missing ${cell.missing.seeds.length === 1 ? 'seed' : 'seeds'} ${cell.missing.seeds.join(', ')}`,
            cell.missing.reason === undefined ? undefined : element('p', {}, cell.missing.reason),
            commandBox(cell.missing.command),
          ),
      own.length === 0
        ? undefined
        : section(
            own.length === 1 ? 'The run behind it' : `The ${own.length} runs behind it`,
            runTable(own, `Runs behind ${column.title} of ${row.method}`),
            ...reproduce(own),
          ),
    ],
  });
}

/** As its table calls it. */
const rivalName = ({ rows }: PageTable, key: string) => rows.find((row) => row.key === key)?.method ?? key;

function runsOf(table: PageTable, row: ReportRow, column: ReportColumn): number[] {
  const byTask = table.runs[row.key] ?? {};
  return [...new Set((table.tasks[column.id] ?? []).flatMap((task) => byTask[task] ?? []))];
}

function reproduce(own: readonly number[]): Content[] {
  const lines = [...new Set(own.flatMap((at) => runs[at]!.commands))];
  if (lines.length === 0) return [];
  const boxes = element('div', { class: 'commands' }, ...lines.map(commandBox));
  if (lines.length <= FEW) return [element('h4', {}, 'Reproduce it'), boxes];
  const summary = element('summary', {}, `Reproduce it: ${lines.length} commands`);
  return [element('details', {}, summary, copyButton(lines.join('\n'), 'Copy all'), boxes)];
}

function valueFacts(
  table: PageTable,
  { ours, paper, difference, test }: ReportCell,
  column: ReportColumn,
): [string, string][] {
  const show = (value: number) => (column.unit === 'count' ? number(value) : value.toFixed(column.digits));
  const unit = column.unit === undefined || column.unit === 'count' ? '' : ` ${column.unit}`;
  const signed = (value: number) => `${value < 0 ? '−' : '+'}${show(Math.abs(value))}`;
  return [
    ...(ours === undefined
      ? []
      : [
          [
            ours.n === 1 ? 'ours' : 'ours, mean ± deviation',
            `${show(ours.mean)}${ours.deviation === undefined ? '' : ` ± ${show(ours.deviation)}`}${unit} (${ours.n === 1 ? 'seed' : 'seeds'} ${ours.seeds.join(', ')})`,
          ] as [string, string],
        ]),
    ...(paper === undefined
      ? []
      : [
          [paper.isComputed ? 'computed from the paper' : 'the paper prints', paper.text || 'nothing'] as [
            string,
            string,
          ],
        ]),
    ...(difference === undefined || column.unit === 'count'
      ? []
      : [['difference', signed(difference)] as [string, string]]),
    ...(test === undefined
      ? []
      : [
          [
            `against ${rivalName(table, test.rival)}`,
            'p' in test
              ? `${signed(test.difference)}, p = ${test.p.toFixed(3)}, ${test.isSignificant ? 'significant' : 'not significant'} (paired bootstrap over ${test.n} ${test.over})`
              : `not tested: ${test.notTested}`,
          ] as [string, string],
        ]),
  ];
}
