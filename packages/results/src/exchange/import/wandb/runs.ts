/** The table of runs: a row a run, with columns of the run, of its configuration and of its summary. */
import type { ImportedRecord } from '../../../imported/schema.ts';
import type { Json } from '../../../schema/shape.ts';
import { countOf, importedRecord, type Reader, type SourceFile, utcOf } from '../source.ts';
import { headerOf, readTable } from './csv.ts';

const STATUS: Readonly<Record<string, 'completed' | 'failed' | 'cancelled' | 'running'>> = {
  finished: 'completed',
  failed: 'failed',
  crashed: 'failed',
  killed: 'cancelled',
  preempted: 'cancelled',
  running: 'running',
};

/** Columns of the table that are about the run itself. Any other may be a setting or a result: the file does not say. */
const ABOUT = [
  'ID',
  'Name',
  'State',
  'Notes',
  'User',
  'Tags',
  'Created',
  'Updated',
  'Start Time',
  'End Time',
  'Runtime',
  'Sweep',
  'Group',
  'Job Type',
  'Hostname',
  'Commit',
  'GitHub',
  'GPU Count',
  'GPU Type',
  'Description',
  'Displayed',
  'Report',
];

export const wandbRunsReader: Reader = {
  format: 'wandb-runs',
  title: 'a table of runs from Weights & Biases (CSV with Name and State)',
  reads: (source) => {
    const header = headerOf(source);
    return header.includes('Name') && header.includes('State');
  },
  read: readRuns,
};

function readRuns(source: SourceFile): ImportedRecord[] {
  const { header, rows } = readTable(source);
  return rows.map((row, index) => {
    const cells = new Map(header.map((name, i) => [name, cellValue(row[i]!)]));
    const about = ABOUT.filter((name) => cells.get(name) !== undefined);
    const values = [...cells].filter(([name, value]) => value !== undefined && !ABOUT.includes(name));
    const runtime = cells.get('Runtime');
    return importedRecord(
      source,
      'wandb-runs',
      {
        runInfo: {
          // As it stands: a name of digits is no number.
          name: row[header.indexOf('Name')]!.trim() || `row ${index + 1}`,
          seed: countOf(cells.get('seed')),
          createdAt: utcOf(cells.get('Created')),
          totalSeconds: typeof runtime === 'number' && runtime >= 0 ? runtime : undefined,
          status: STATUS[String(cells.get('State')).toLowerCase()],
        },
        trainInfo: {},
        metaInfo: Object.fromEntries(about.map((name) => [name, cells.get(name)!])),
        values: Object.fromEntries(values) as Record<string, Json>,
      },
      { entry: `row ${index + 1}` },
    );
  });
}

/** A cell as JSON has it; undefined for an empty one. */
function cellValue(cell: string): Json | undefined {
  const text = cell.trim();
  if (text === '') return undefined;
  if (/^(true|false)$/i.test(text)) return text.toLowerCase() === 'true';
  const number = Number(text);
  return Number.isFinite(number) ? number : cell;
}
