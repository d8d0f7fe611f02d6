/** What an experiment's main table says, in numbers that a sentence can be made of. */
import type { ReportCell, ReportColumn, ReportRow, ReportTable, RivalTest } from '../../tables/index.ts';

export interface Standing {
  readonly row: ReportRow;
  readonly score: number;
  readonly deviation?: number;
  readonly parameters?: number;
}

export interface Verdict {
  /** Of what the scores are: the table's average, or the columns that are averaged here. */
  readonly scoreTitle: string;
  readonly digits: number;
  /** Best first, bounds among them. */
  readonly standings: readonly Standing[];
  readonly psoft?: Standing;
  /** The best of the others that are ranked. */
  readonly rival?: Standing;
  readonly full?: Standing;
  /** The head alone, or the untuned model. */
  readonly floor?: Standing;
  /** Place of PSOFT among the ranked, 1 for the best, and how many there are. */
  readonly place?: { readonly at: number; readonly of: number };
  /** Share of the way from the floor to full fine-tuning. */
  readonly share?: number;
  /** Of the rival against PSOFT in the score's column; absent where no column holds the score. */
  readonly test?: RivalTest;
  /** Ranked methods that train fewer values and score higher. */
  readonly dominatedBy: readonly Standing[];
}

/** @param read ours, or the paper's printed values */
export function verdictOf(table: ReportTable, read: 'ours' | 'paper' = 'ours'): Verdict {
  const { columns, score, test } = scoreOf(table);
  const value = (cell: ReportCell | undefined) => (read === 'ours' ? cell?.ours?.mean : cell?.paper?.value);
  const standings = table.rows
    .flatMap((row): Standing[] => {
      const values = columns.map(({ id }) => value(row.cells[id]));
      if (values.length === 0 || values.some((one) => one === undefined)) return [];
      const mean = values.reduce<number>((sum, one) => sum + one!, 0) / values.length;
      const deviation = read === 'ours' && score ? row.cells[score.id]?.ours?.deviation : undefined;
      const parameters = value(row.cells.params);
      return [
        {
          ...{ row, score: mean },
          ...(deviation === undefined ? {} : { deviation }),
          ...(parameters === undefined ? {} : { parameters }),
        },
      ];
    })
    .sort((a, b) => b.score - a.score);
  const ranked = standings.filter(({ row }) => row.role === 'ranked');
  const byKey = (...keys: string[]) => standings.find(({ row }) => keys.includes(row.key));
  const [psoft, full, floor] = [byKey('psoft'), byKey('full'), byKey('head', 'base')];
  const rival = ranked.find(({ row }) => row.key !== 'psoft');
  const range = full && floor ? full.score - floor.score : 0;
  const rivalTest = read === 'ours' && rival && test ? rival.row.cells[test.id]?.test : undefined;
  return {
    scoreTitle:
      score === undefined
        ? `mean of ${columns.map(({ title }) => title).join(' and ')}`
        : score.kind === 'mean'
          ? 'average over tasks'
          : score.title,
    digits: columns[0]?.digits ?? 1,
    standings,
    ...(psoft && { psoft }),
    ...(rival && { rival }),
    ...(full && { full }),
    ...(floor && { floor }),
    ...(psoft && { place: { at: ranked.indexOf(psoft) + 1, of: ranked.length } }),
    ...(psoft && floor && range > 0 ? { share: (psoft.score - floor.score) / range } : {}),
    ...(rivalTest && { test: rivalTest }),
    dominatedBy: ranked.filter(
      ({ row, score: one, parameters = Number.POSITIVE_INFINITY }) =>
        psoft?.parameters !== undefined &&
        row !== psoft.row &&
        one > psoft.score &&
        parameters <= psoft.parameters,
    ),
  };
}

/** The table's own average; without one, the plain mean of its scores. */
export function scoreOf(table: ReportTable): {
  readonly columns: readonly ReportColumn[];
  readonly score?: ReportColumn;
  readonly test?: ReportColumn;
} {
  const average = table.columns.find(({ kind, group }) => kind === 'mean' && group === undefined);
  if (average) return { columns: [average], score: average, test: average };
  const columns = table.columns.filter(({ kind }) => kind === 'score');
  const [only] = columns;
  return columns.length === 1 ? { columns, score: only!, test: only! } : { columns };
}
