/** An audit as text, markdown, JSON or CSV. */
import Papa from 'papaparse';
import type { Audit, CheckedFinding } from './audit.ts';
import { type TableCoverage, totalOf } from './coverage.ts';
import { VERDICTS, type Verdict } from './finding.ts';

export const REPORT_FORMATS = ['text', 'markdown', 'json', 'csv'] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

export interface ReportOptions {
  /** List what follows, too; text and markdown otherwise only count it. JSON and CSV always hold everything. */
  readonly isComplete?: boolean;
}

/** @returns the report, with a line end at its end */
export function formatAudit(
  audit: Audit,
  format: ReportFormat,
  { isComplete = false }: ReportOptions = {},
): string {
  const shown = VERDICTS.filter((verdict) => isComplete || verdict !== 'follows');
  const report = { text, markdown, json, csv }[format](audit, shown);
  return report.endsWith('\n') ? report : `${report}\n`;
}

/** One line: how many findings there are of each verdict, and how many cells they reach. */
export function summaryOf({ findings, coverage }: Audit): string {
  const { printed, judged, used } = totalOf(coverage);
  const counts = VERDICTS.map((verdict) => `${verdict} ${ofVerdict(findings, verdict).length}`);
  const reached = VERDICTS.reduce((sum, verdict) => sum + judged[verdict], 0);
  return (
    `${findings.length} findings: ${counts.join(', ')}. ` +
    `Of ${printed} printed cells ${reached} are judged, ${used} more enter a computation.`
  );
}

function ofVerdict(findings: readonly CheckedFinding[], verdict: Verdict): CheckedFinding[] {
  return findings.filter((finding) => finding.verdict === verdict);
}

function heading(verdict: Verdict, count: number): string {
  return `${verdict[0]!.toUpperCase()}${verdict.slice(1)} (${count})`;
}

function text(audit: Audit, shown: readonly Verdict[]): string {
  const sections = shown.flatMap((verdict) => {
    const findings = ofVerdict(audit.findings, verdict);
    const lines = findings.flatMap((finding, i) => [
      ...(finding.table === findings[i - 1]?.table ? [] : [`  ${finding.table}`]),
      `    ${finding.cell}`,
      `      printed ${finding.printed}, recomputed ${finding.recomputed}`,
      `      ${finding.rule}`,
      ...(finding.note === undefined ? [] : [`      ${finding.note}`]),
    ]);
    return [heading(verdict, findings.length), ...lines, ''];
  });
  const [header, ...rows] = coverageRows(audit.coverage);
  const widths = header!.map((_, i) => Math.max(...[header!, ...rows].map((row) => row[i]!.length)));
  const table = [header!, ...rows].map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  '),
  );
  return [...sections, 'Printed cells', ...table.map((line) => `  ${line}`), '', summaryOf(audit)].join('\n');
}

function markdown(audit: Audit, shown: readonly Verdict[]): string {
  const sections = shown.flatMap((verdict) => {
    const findings = ofVerdict(audit.findings, verdict);
    const rows = findings.map(({ table, cell, printed, recomputed, rule, note }) => [
      table,
      cell,
      printed,
      recomputed,
      note === undefined ? rule : `${rule}. ${sentence(note)}`,
    ]);
    return [
      `## ${heading(verdict, findings.length)}`,
      ...markdownTable([['where', 'cell', 'printed', 'recomputed', 'rule'], ...rows]),
      '',
    ];
  });
  return [
    ...sections,
    '## Printed cells',
    ...markdownTable(coverageRows(audit.coverage)),
    '',
    summaryOf(audit),
  ].join('\n');
}

/** With a capital where it begins with a word; a formula keeps its letters. */
function sentence(note: string): string {
  return /^[a-z]+ /.test(note) ? `${note[0]!.toUpperCase()}${note.slice(1)}` : note;
}

function markdownTable([header, ...rows]: readonly (readonly string[])[]): string[] {
  const line = (row: readonly string[]) =>
    `| ${row.map((cell) => cell.replace(/[|*_<]/g, '\\$&')).join(' | ')} |`;
  return [line(header!), `|${' --- |'.repeat(header!.length)}`, ...rows.map(line)];
}

/** A header, a line a table and the total. */
function coverageRows(coverage: readonly TableCoverage[]): string[][] {
  const row = ({ table, printed, judged, used, unreached }: TableCoverage) => [
    table,
    ...[printed, ...VERDICTS.map((verdict) => judged[verdict]), used, unreached].map(String),
  ];
  return [
    ['table', 'printed', ...VERDICTS, 'only used', 'not reached'],
    ...[...coverage, totalOf(coverage)].map(row),
  ];
}

function json({ findings, coverage }: Audit): string {
  return JSON.stringify({ findings, coverage }, undefined, 2);
}

const CSV_COLUMNS = ['check', 'table', 'cell', 'printed', 'recomputed', 'rule', 'verdict', 'note'] as const;

function csv({ findings }: Audit): string {
  return Papa.unparse(
    {
      fields: [...CSV_COLUMNS],
      data: findings.map((finding) => CSV_COLUMNS.map((column) => finding[column] ?? '')),
    },
    { newline: '\n' },
  );
}
