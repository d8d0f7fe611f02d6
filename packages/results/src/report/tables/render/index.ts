/** A table in each of its forms. */
import type { ReportTable } from '../model.ts';
import { toCsv } from './csv.ts';
import { toLatex } from './latex.ts';
import { toMarkdown, toText } from './text.ts';

const RENDERERS = {
  text: { ending: 'txt', render: toText },
  markdown: { ending: 'md', render: toMarkdown },
  csv: { ending: 'csv', render: toCsv },
  latex: { ending: 'tex', render: toLatex },
} as const;

export type RenderFormat = keyof typeof RENDERERS;
export const RENDER_FORMATS = Object.keys(RENDERERS) as readonly RenderFormat[];
/** Those that are written to files: text is for terminals. */
export const FILE_FORMATS = ['markdown', 'csv', 'latex'] as const satisfies readonly RenderFormat[];

/** Ends with a line break. */
export function renderTable(table: ReportTable, format: RenderFormat): string {
  return RENDERERS[format].render(table);
}

/** Below the folder of the tables: "tiny/nlu/table2.md"; by another scorer than the experiment's "table4-strict.md". */
export function tableFile(table: ReportTable, format: RenderFormat): string {
  const { profile, experiment, id, scorer, isScorerAsked } = table;
  return `${profile}/${experiment}/${id}${isScorerAsked ? `-${scorer}` : ''}.${RENDERERS[format].ending}`;
}
