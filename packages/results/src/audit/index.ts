export * from './audit.ts';
export type { TableCoverage } from './coverage.ts';
export { type CellPlace, type Check, type Finding, VERDICTS, type Verdict } from './finding.ts';
export * from './page.ts';
export * from './report.ts';
