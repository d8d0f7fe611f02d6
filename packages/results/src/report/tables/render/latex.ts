/** LaTeX with booktabs: a floating table to be read by \input. */
import type { ReportColumn, ReportTable } from '../model.ts';
import { headingOf, LABEL_TITLE, type Line, lineGroups, reasonsOf, type TextCell } from './lines.ts';

/** More columns than this go over both columns of a page, in small print. */
const WIDE = 10;

export function toLatex(table: ReportTable): string {
  const { columns } = table;
  const isWide = columns.length > WIDE;
  const environment = isWide ? 'table*' : 'table';
  const groups = lineGroups(table).map(({ lines }) => lines.map((line) => rowText(line)));
  const notes = [...table.notes, ...reasonsOf(table)];
  return [
    '% Written by npx nx run results:tables; do not edit. Needs \\usepackage{booktabs}.',
    ...table.commands.map((command) => `% missing: ${command}`),
    `\\begin{${environment}}`,
    '\\centering',
    isWide ? '\\scriptsize\\setlength{\\tabcolsep}{2pt}' : '\\small',
    `\\caption{${escapeLatex(`${headingOf(table)}. ${table.caption}`)}}`,
    `\\label{tab:${table.profile}-${table.experiment}-${table.id}}`,
    `\\begin{tabular}{l${columns.map(({ kind }) => (kind === 'text' ? 'l' : 'r')).join('')}}`,
    '\\toprule',
    ...headings(columns),
    `${[LABEL_TITLE, ...columns.map(({ title }) => title)].map(escapeLatex).join(' & ')} \\\\`,
    '\\midrule',
    ...groups.flatMap((lines, at) => [...(at === 0 ? [] : ['\\midrule']), ...lines]),
    '\\bottomrule',
    '\\end{tabular}',
    ...(notes.length === 0
      ? []
      : ['', '\\smallskip', `\\parbox{\\linewidth}{\\footnotesize ${notes.map(escapeLatex).join(' ')}}`]),
    `\\end{${environment}}`,
    '',
  ].join('\n');
}

function rowText({ kind, label, cells }: Line): string {
  const name = kind === 'ours' ? escapeLatex(label) : `\\quad\\textit{${escapeLatex(label)}}`;
  return `${[name, ...cells.map(cellText)].join(' & ')} \\\\`;
}

function cellText({ text, mark, isSignificant }: TextCell): string {
  const plain = escapeLatex(text);
  const marked = mark === 'best' ? `\\textbf{${plain}}` : mark === 'second' ? `\\underline{${plain}}` : plain;
  return `${marked}${isSignificant ? '$^\\dagger$' : ''}`;
}

/** A line of headings over the columns that have one; none where no column has. */
function headings(columns: readonly ReportColumn[]): string[] {
  if (columns.every(({ group }) => group === undefined)) return [];
  const spans: { group: string | undefined; count: number }[] = [];
  for (const { group } of columns) {
    const last = spans.at(-1);
    if (last !== undefined && last.group === group) last.count++;
    else spans.push({ group, count: 1 });
  }
  let at = 2;
  const rules: string[] = [];
  const cells = spans.map(({ group, count }) => {
    if (group !== undefined) rules.push(`\\cmidrule(lr){${at}-${at + count - 1}}`);
    at += count;
    return `\\multicolumn{${count}}{c}{${escapeLatex(group ?? '')}}`;
  });
  return [`${['', ...cells].join(' & ')} \\\\`, rules.join('')];
}

const SPECIAL: Readonly<Record<string, string>> = {
  '\\': '\\textbackslash{}',
  '{': '\\{',
  '}': '\\}',
  $: '\\$',
  '&': '\\&',
  '#': '\\#',
  '%': '\\%',
  _: '\\_',
  '^': '\\textasciicircum{}',
  '~': '\\textasciitilde{}',
  '<': '$<$',
  '>': '$>$',
  '|': '$|$',
  '±': '$\\pm$',
  '−': '$-$',
  '†': '$^\\dagger$',
  '—': '---',
  '²': '$^2$',
  ᵀ: '$^\\top$',
  '’': "'",
};

/** What pdfTeX would not print, or would take for a command. */
export function escapeLatex(text: string): string {
  return text.replace(/[\\{}$&#%_^~<>|±−†—²ᵀ’]/g, (letter) => SPECIAL[letter]!);
}
