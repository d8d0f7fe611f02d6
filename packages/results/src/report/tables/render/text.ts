/** Plain text, for terminals, and Markdown. */
import { layOutTable } from '../../../table.ts';
import type { ReportTable } from '../model.ts';
import {
  flatTitle,
  headingOf,
  LABEL_TITLE,
  type Line,
  lineGroups,
  reasonsOf,
  type TextCell,
} from './lines.ts';

export const WRITTEN_BY = 'Written by `npx nx run results:tables`; do not edit.';

export function toText(table: ReportTable): string {
  const cell = ({ text, mark, isSignificant }: TextCell) =>
    `${text}${mark === 'best' ? ' (1)' : mark === 'second' ? ' (2)' : ''}${isSignificant ? ' †' : ''}`;
  const label = ({ kind, label: text }: Line) => (kind === 'ours' ? text : `  ${text}`);
  const lines = layOut(table, label, cell, 'text');
  const notes = [...table.notes, ...reasonsOf(table)];
  return [
    headingOf(table),
    table.caption,
    '',
    ...lines,
    ...(notes.length === 0 ? [] : ['', ...notes]),
    ...missingText(table),
    '',
  ].join('\n');
}

export function toMarkdown(table: ReportTable): string {
  const cell = ({ text, mark, isSignificant }: TextCell) => {
    if (text === '') return '';
    const marked = mark === 'best' ? `**${text}**` : mark === 'second' ? `<u>${text}</u>` : text;
    return `${marked}${isSignificant ? '†' : ''}`;
  };
  const label = ({ kind, label: text }: Line) => (kind === 'ours' ? text : `*${text}*`);
  const notes = [...table.notes, ...reasonsOf(table)];
  return [
    `# ${headingOf(table)}`,
    '',
    `${escapeMarkdown(table.caption)} ${WRITTEN_BY}`,
    '',
    ...layOut(table, label, cell, 'markdown'),
    ...(notes.length === 0 ? [] : ['', ...notes.map((note) => `- ${escapeMarkdown(note)}`)]),
    ...(table.commands.length === 0
      ? []
      : ['', `${missingCount(table)}. To fill them:`, '', '```sh', ...table.commands, '```']),
    '',
  ].join('\n');
}

function layOut(
  table: ReportTable,
  label: (line: Line) => string,
  cell: (one: TextCell) => string,
  format: 'text' | 'markdown',
): string[] {
  const columns = [
    { title: LABEL_TITLE, isNumeric: false },
    ...table.columns.map((column) => ({ title: flatTitle(column), isNumeric: column.kind !== 'text' })),
  ];
  const empty = columns.map(() => '');
  const body = lineGroups(table).flatMap(({ lines }, at) => [
    ...(at === 0 ? [] : [empty]),
    ...lines.map((line) => [label(line), ...line.cells.map(cell)]),
  ]);
  return layOutTable(columns, body, format);
}

function missingText(table: ReportTable): string[] {
  if (table.commands.length === 0) return [];
  return ['', `${missingCount(table)}. To fill them:`, ...table.commands.map((command) => `  ${command}`)];
}

function missingCount({ filled }: ReportTable): string {
  const open = filled.of - filled.cells;
  return `${open} of ${filled.of} cells ${open === 1 ? 'is' : 'are'} missing`;
}

/** Names of methods and files must not turn into emphasis. */
const escapeMarkdown = (text: string) => text.replace(/[*_<>|]/g, (letter) => `\\${letter}`);
