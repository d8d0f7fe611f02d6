import { existsSync } from 'node:fs';
import path from 'node:path';
import type { RunRecord } from '@psoft/results';
import type { BenchRecord } from '@psoft/results/bench';
import type { Paper } from '@psoft/results/paper';
import type { PageTableInput } from '@psoft/results/report/page';
import type { ExamplesOf, RenderFormat, ReportTable, TableSpec } from '@psoft/results/report/tables';
import { ConfigError } from '@psoft/training/config';
import { type Command, Option } from 'commander';
import { type Experiment, findExperiments, ROOT } from '../../workspace.ts';
import { nameList } from '../numbers.ts';

interface Options {
  readonly profile: 'tiny' | 'paper' | 'all';
  readonly tables?: readonly string[];
  readonly scorer?: string;
  readonly examples?: true;
  readonly print?: RenderFormat;
  readonly resultsDir: string;
  readonly runsDir: string;
  readonly out?: string;
}

/** Written out, so that the command does not load them only to parse its options. */
const FORMATS: readonly RenderFormat[] = ['text', 'markdown', 'csv', 'latex'];

export function addTablesCommand(results: Command): void {
  results
    .command('tables')
    .description(
      'Make the tables of the paper from what is recorded, as Markdown, CSV and LaTeX. Nothing is run: missing cells ' +
        'say which command fills them.',
    )
    .addOption(new Option('--profile <name>', 'of the runs').choices(['tiny', 'paper', 'all']).default('all'))
    .option('--tables <list>', 'some of them, separated by commas: table2,table4', nameList)
    .option('--scorer <name>', 'of evaluations: whose verdict is shown (default: the experiment’s)')
    .option('--examples', 'with too few seeds, test over the answers that are stored below the runs')
    .addOption(new Option('--print <format>', 'print them instead of writing files').choices([...FORMATS]))
    .option('--results-dir <folder>', 'where the records are', path.join(ROOT, 'results'))
    .option('--runs-dir <folder>', 'where the answers are', path.join(ROOT, 'runs'))
    .option('--out <folder>', 'where the tables go (default: tables/ below the records)')
    .action(async (options: Options) => {
      const tables = await buildTables(options);
      if (options.print !== undefined) {
        const { renderTable } = await import('@psoft/results/report/tables');
        process.stdout.write(tables.map((table) => renderTable(table, options.print!)).join('\n'));
      } else await writeTables(tables, options);
    });
}

export async function buildTables(options: Omit<Options, 'print' | 'out'>): Promise<ReportTable[]> {
  const { describeSkipped, readRecords } = await import('@psoft/results');
  const { readPaper } = await import('@psoft/results/paper');
  const experiments = findExperiments();
  const specs = await chooseSpecs(options, experiments);
  const folder = path.resolve(options.resultsDir);
  const { records, skipped } = await readRecords(folder);
  const { readBenches } = await import('@psoft/results/bench');
  const benches = await readBenches(folder);
  for (const line of describeSkipped(folder, [...skipped, ...benches.skipped]))
    process.stderr.write(`${line}\n`);
  const paper = await readPaper();
  const { scorer } = options;
  const examplesOf = options.examples
    ? await storedExamples(records, path.resolve(options.runsDir), scorer)
    : undefined;
  const profiles = options.profile === 'all' ? (['tiny', 'paper'] as const) : [options.profile];
  const made = profiles.map((profile) =>
    tablesFor(profile, specs, experiments, {
      ...{ records, paper, benches: benches.records },
      ...(scorer === undefined ? {} : { scorer }),
      ...(examplesOf && { examplesOf }),
    }),
  );
  return (await Promise.all(made)).flatMap((all) => all.map(({ table }) => table));
}

export interface TableSources {
  readonly benches?: readonly BenchRecord[];
  readonly records: readonly RunRecord[];
  readonly paper: Paper;
  readonly scorer?: string;
  readonly examplesOf?: ExamplesOf;
}

/** Tables of one profile, each with what it is made of. */
export async function tablesFor(
  profile: string,
  specs: readonly TableSpec[],
  experiments: ReadonlyMap<string, Experiment>,
  { scorer, ...sources }: TableSources,
): Promise<PageTableInput[]> {
  const { buildTable } = await import('@psoft/results/report/tables');
  const { benchMeasurements } = await import('@psoft/results/bench');
  const { describeSystem } = await import('@psoft/results/report/figures');
  const { planTable } = await import('./plan.ts');
  const { benches = [], ...built } = sources;
  const measurementsOf = ({ id }: TableSpec) => benchMeasurements(id, profile, benches, describeSystem);
  return (
    specs
      // Of small sizes there are tables where they were measured; the paper's stand without, too.
      .filter(
        (spec) =>
          profile === 'paper' || spec.source.kind !== 'bench' || measurementsOf(spec).measured.length > 0,
      )
      .map((spec) => {
        const { measured, notes } = measurementsOf(spec);
        const planned = planTable(spec, experiments, {
          profile,
          ...(scorer === undefined ? {} : { scorer }),
        });
        const table = buildTable({
          ...{ spec, profile, measured, measuredNotes: notes },
          ...built,
          ...(planned && { planned }),
        });
        return { table, spec, ...(planned && { planned }) };
      })
  );
}

/** Where a scorer is asked for, the tables that it judges. */
async function chooseSpecs(
  { tables, scorer }: Pick<Options, 'tables' | 'scorer'>,
  experiments: ReadonlyMap<string, Experiment>,
): Promise<TableSpec[]> {
  const { TABLE_SPECS } = await import('@psoft/results/report/tables');
  const { scorersOf } = await import('./plan.ts');
  const known = TABLE_SPECS.map(({ id }) => id);
  const unknown = tables?.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new ConfigError(`unknown table "${unknown}"; known: ${known.join(', ')}`);
  const wanted = TABLE_SPECS.filter(({ id }) => tables?.includes(id) ?? true);
  if (scorer === undefined) return wanted;
  const judged = wanted.filter((spec) => scorersOf(spec, experiments).includes(scorer));
  if (judged.length > 0) return judged;
  const scorers = [...new Set(wanted.flatMap((spec) => scorersOf(spec, experiments)))];
  throw new ConfigError(
    `no table has the scorer "${scorer}"; ${scorers.length === 0 ? 'those asked for have none' : `known: ${scorers.join(', ')}`}`,
  );
}

/** Verdicts of evaluations whose answers are still there. */
async function storedExamples(
  records: readonly RunRecord[],
  runsFolder: string,
  scorer: string | undefined,
): Promise<ExamplesOf> {
  const { openGenerations, runFolderOf } = await import('@psoft/training/evaluations');
  const byHash = new Map<string, ReadonlyMap<string, number>>();
  for (const record of records) {
    const own = record.runInfo.evaluationConfig?.scorer;
    const folder = runFolderOf(record, runsFolder);
    if (own === undefined || !existsSync(path.join(folder, 'generations.jsonl'))) continue;
    const { rows } = await openGenerations(folder);
    const verdicts = rows.map(({ index, promptHash, verdicts }) => ({
      key: `${index} ${promptHash}`,
      verdict: verdicts[scorer ?? String(own)],
    }));
    if (verdicts.some(({ verdict }) => verdict === undefined)) continue;
    byHash.set(
      record.runInfo.configHash,
      new Map(verdicts.map(({ key, verdict }) => [key, verdict!.isCorrect ? 100 : 0])),
    );
  }
  return (hash) => byHash.get(hash);
}

async function writeTables(tables: readonly ReportTable[], { resultsDir, out }: Options): Promise<void> {
  const { FILE_FORMATS, renderTable, tableFile } = await import('@psoft/results/report/tables');
  const { writeAtomically } = await import('@psoft/results');
  const folder = path.resolve(out ?? path.join(resultsDir, 'tables'));
  for (const table of tables) {
    for (const format of FILE_FORMATS)
      await writeAtomically(path.join(folder, tableFile(table, format)), renderTable(table, format));
    const { cells, of } = table.filled;
    const file = path.relative(process.cwd(), path.join(folder, tableFile(table, 'markdown')));
    process.stdout.write(`${file}: ${cells} of ${of} cells\n`);
  }
}
