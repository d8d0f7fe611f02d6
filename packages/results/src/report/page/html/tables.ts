/** The paper's tables: static HTML, which the script makes sortable and gives the cells their details. */
import type { ReportCell, ReportColumn, ReportRow, ReportTable } from '../../tables/index.ts';
import { labelOf, linesOf, reasonsOf, rowGroups, type TextCell } from '../../tables/render/lines.ts';
import { type Html, html } from './markup.ts';
import { commands, ofProfile, plural, scroller } from './parts.ts';

export function tablesSection(profiles: readonly string[], tables: readonly ReportTable[]): Html {
  return html`<section id="tables" aria-labelledby="tables-title">
<h2 id="tables-title">Tables</h2>
<p class="lead">In the paper’s layout. <b class="best">Best</b> and <span class="second">second best</span> among ranked rows; † differs significantly from PSOFT; — is missing. <span class="needs-script">A heading sorts its column; a cell opens its seeds, its test and its command.</span></p>
${profiles.map((profile) => {
  const own = tables.filter((table) => table.profile === profile);
  return ofProfile(
    profile,
    html`<nav class="jump" aria-label="Tables of the ${profile} profile"><ul>${own.map(
      (table) => html`<li><a href="#${tableId(table)}">${table.title}</a> <small>${fill(table)}</small></li>`,
    )}</ul></nav>`,
    own.map(tableBlock),
  );
})}
</section>`;
}

export const tableId = ({ profile, id }: Pick<ReportTable, 'profile' | 'id'>): string => `${profile}-${id}`;

const fill = ({ filled: { cells, of } }: ReportTable) =>
  of === 0 ? '' : cells === of ? 'complete' : cells === 0 ? 'none yet' : `${cells} of ${of}`;

function tableBlock(table: ReportTable): Html {
  const id = tableId(table);
  const open = table.filled.of - table.filled.cells;
  const notes = [...table.notes, ...reasonsOf(table)];
  return html`<article class="table-block" id="${id}" aria-labelledby="${id}-title">
<header><h3 id="${id}-title">${table.title}</h3><p>${table.caption}</p></header>
${scroller(
  `${table.title}, ${table.profile} profile`,
  html`<table class="results" data-table="${id}"><thead>${head(table.columns)}</thead>${rowGroups(table).map(
    (rows) => html`<tbody>${rows.map((row) => bodyRow(row, table))}</tbody>`,
  )}</table>`,
)}
${notes.length > 0 && html`<ul class="notes">${notes.map((note) => html`<li>${note}</li>`)}</ul>`}
${
  open > 0 &&
  html`<details class="missing"><summary>${plural(open, 'cell')} of ${table.filled.of} ${open === 1 ? 'is' : 'are'} missing: ${plural(table.commands.length, 'command')}</summary>${commands(table.commands)}</details>`
}
</article>`;
}

/** Headings of groups stand above their columns, where there are any. */
function head(columns: readonly ReportColumn[]): Html {
  const hasGroups = columns.some(({ group }) => group !== undefined);
  const groups = columns.reduce<{ group: string | undefined; span: number }[]>((all, { group }) => {
    const last = all.at(-1);
    if (last !== undefined && last.group === group) last.span++;
    else all.push({ group, span: 1 });
    return all;
  }, []);
  return html`${
    hasGroups &&
    html`<tr class="groups"><td></td>${groups.map(({ group, span }) =>
      group === undefined
        ? html`<td colspan="${span}"></td>`
        : html`<th scope="colgroup" colspan="${span}">${group}</th>`,
    )}</tr>`
  }<tr><th scope="col">Method</th>${columns.map(
    ({ title, kind }) => html`<th scope="col" class="${kind}">${title}</th>`,
  )}</tr>`;
}

function bodyRow(row: ReportRow, table: ReportTable): Html {
  const [ours, ...others] = linesOf(row, table);
  const look = row.key === 'psoft' ? 'psoft' : row.role === 'apart' ? 'apart' : undefined;
  const label = html`${row.method}${row.setting !== '' && html` <small>${row.setting}</small>`}${others.map(
    ({ kind, label: text }) => html`<i class="${kind}">${text}</i>`,
  )}`;
  return html`<tr data-row="${row.key}"${look !== undefined && html` class="${look}"`}><th scope="row" aria-label="${labelOf(row)}">${label}</th>${table.columns.map(
    (column, at) => {
      const cell = row.cells[column.id]!;
      const lines = others.map(({ kind, cells }) => html`<i class="${kind}">${marked(cells[at]!)}</i>`);
      return html`<td${sortValue(cell)}${column.kind === 'text' && html` class="text"`}>${marked(ours!.cells[at]!)}${lines}</td>`;
    },
  )}</tr>`;
}

function marked({ text, mark, isSignificant }: TextCell): Html {
  const [value, spread] = text.split(' ± ');
  const body = html`${value}${spread !== undefined && html`<small> ± ${spread}</small>`}${isSignificant && html`<sup>†</sup>`}`;
  return mark === 'best'
    ? html`<b class="best">${body}</b>`
    : mark === 'second'
      ? html`<span class="second">${body}</span>`
      : body;
}

/** By what a cell is sorted: ours, or where there is none the paper's. Texts are sorted as texts. */
function sortValue({ ours, paper }: ReportCell): Html | undefined {
  const value = ours?.mean ?? paper?.value;
  return value === undefined ? undefined : html` data-value="${Number(value.toPrecision(8))}"`;
}
