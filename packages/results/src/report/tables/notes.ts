/** What a reader has to know beside the numbers. */
import type { Paper } from '../../paper/index.ts';
import { TABLES } from '../../paper/index.ts';
import { formatCount } from '../../summary.ts';
import { RESAMPLES, SIGNIFICANCE } from './bootstrap.ts';
import type { ReportColumn, ReportRow, ReportTable } from './model.ts';
import type { TableSpec } from './spec.ts';

/** Short, with the base model's name where it is known. */
export function captionOf(spec: TableSpec, paper: Paper, profile: string, model: string | undefined): string {
  const { about } = TABLES[spec.paper];
  if (profile !== 'paper')
    return `The form of the paper's table (${about}) filled by the ${profile} profile: ${spec.tiny}${model === undefined ? '' : `, ${model}`}. No statement about the paper's numbers.`;
  const setting = paper.settings.find(({ table }) => table === spec.paper);
  const runs = setting?.runs.value === undefined ? [] : [`mean of ${setting.runs.text} runs`];
  const facts = [...(setting?.device ? [setting.device] : []), ...runs];
  const source = facts.length === 0 ? '' : ` The paper's numbers: ${facts.join(', ')}.`;
  return `${about[0]!.toUpperCase()}${about.slice(1)}.${source}`;
}

/** Only what the table makes use of. */
export function notesOf(
  spec: TableSpec,
  rows: readonly ReportRow[],
  columns: readonly ReportColumn[],
  scorer: string | undefined,
): string[] {
  const cells = rows.flatMap((row) => Object.values(row.cells));
  const has = (test: (cell: (typeof cells)[number]) => boolean) => cells.some(test);
  const tested = cells.flatMap(({ test }) => (test !== undefined && 'p' in test ? [test] : []));
  const over = [...new Set(tested.map((test) => test.over))].join(' or ');
  const untested = new Set(
    cells.flatMap(({ test }) => (test !== undefined && 'notTested' in test ? [test.notTested] : [])),
  );
  // Two of the 27 resamples of three values repeat an outer one, and count as beyond: p is 0.07 at least.
  const isHopeless = tested.length > 0 && tested.every(({ over, n }) => over === 'seeds' && n <= 3);
  const groups = new Set(rows.map(({ group }) => group)).size > 1 ? ' of a group' : '';
  const apart = rows.filter(({ role }) => role === 'apart').map(({ method }) => method);
  const rivalKeys = new Set(cells.flatMap(({ test }) => test?.rival ?? []));
  const rivals = [...new Set(rows.filter(({ key }) => rivalKeys.has(key)).map(({ method }) => method))];
  const rival = `${groups === '' ? '' : "its group's "}${rivals.join(' or ')}`;
  const notOfPaper = rows.filter(({ paperRow }) => paperRow === undefined).map(({ method }) => method);
  return [
    ...(spec.notes ?? []),
    ...(scorer === undefined ? [] : [`Every answer is judged by the scorer "${scorer}".`]),
    ...(has(({ ours }) => ours?.deviation !== undefined)
      ? ['Mean ± sample deviation over seeds; fewer seeds than the others have are given in brackets.']
      : []),
    ...(columns.some(({ better }) => better !== undefined) &&
    has(({ mark, paperMark }) => (mark ?? paperMark) !== undefined)
      ? [
          `Best and second best${groups} are marked${apart.length === 0 ? '' : `; ${listed(apart)} stand${apart.length === 1 ? 's' : ''} apart`}.`,
        ]
      : []),
    ...(tested.length === 0
      ? []
      : [
          `† differs from ${rival} (p < ${SIGNIFICANCE}, two-sided): studentised paired bootstrap over ${over}, ${formatCount(RESAMPLES)} resamples, not corrected for the number of comparisons.${isHopeless ? ' Three seeds cannot show a difference by it.' : ''}`,
        ]),
    ...[...untested].sort().map((reason) => `Not tested against ${rival}: ${reason}.`),
    ...(notOfPaper.length > 0 && spec.source.kind === 'table'
      ? [`Not in the paper's table: ${listed([...new Set(notOfPaper)])}.`]
      : []),
    ...(has(({ paper }) => paper?.isComputed === true)
      ? ["The paper's means of groups are computed from what it prints."]
      : []),
  ];
}

function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

export const titleOf = ({ id }: Pick<TableSpec, 'id'>): string => `Table ${id.replace('table', '')}`;

export function filledOf(rows: readonly ReportRow[]): ReportTable['filled'] {
  const cells = rows.flatMap((row) => Object.values(row.cells));
  const filled = cells.filter(({ ours, missing }) => ours !== undefined && missing === undefined).length;
  const open = cells.filter(({ missing }) => missing !== undefined).length;
  return { cells: filled, of: filled + open };
}
