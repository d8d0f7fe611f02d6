import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { PageExperiment, PageLinks } from '@psoft/results/report/page';
import type { TableSpec } from '@psoft/results/report/tables';
import type { Command } from 'commander';
import { findExperiments, ROOT } from '../../workspace.ts';
import { tablesFor } from './tables.ts';

interface Options {
  readonly resultsDir: string;
  readonly out?: string;
}

/** The experiments of the paper, in its order, each with the table that its verdict is read from. */
const EXPERIMENTS: readonly Omit<PageExperiment, 'titles'>[] = [
  { name: 'nlu', mainTable: 'table2' },
  { name: 'vision', mainTable: 'table3' },
  { name: 'math', mainTable: 'table4' },
  { name: 'commonsense', mainTable: 'table5' },
];

const DOCUMENTS = [
  ['results.md', 'The records', 'their form, questions, exports and imports'],
  ['tables.md', 'The tables', 'how to read one, which records enter, the test behind †'],
  ['figures.md', 'The figures', 'what each is made of, and how angles are measured'],
  ['report.md', 'This page', 'how it is built, and what it promises'],
  ['audit.md', 'The audit', 'every rule, and what does not follow'],
  ['reproducibility.md', 'Reproducibility', 'the checklist, each item with a command'],
  ['methods.md', 'The methods', 'PSOFT and what it is compared with'],
  ['psoft.md', 'PSOFT', 'its mathematics, its files, its conventions'],
  ['nlu.md', 'GLUE', 'tasks, settings, costs'],
  ['vision.md', 'VTAB-1K', 'tasks, settings, costs'],
  ['math.md', 'Mathematics', 'training, answering, scorers'],
  ['commonsense.md', 'Commonsense', 'eight sets, two scorers'],
  ['engine.md', 'The engine', 'how a step is compiled and run'],
  ['performance.md', 'Performance', 'what a step costs, beside PEFT'],
  ['from-peft.md', 'Coming from PEFT', 'what is called how here'],
  ['extending.md', 'Extending', 'methods, models, tasks, tables'],
] as const;

export function addReportCommand(results: Command): void {
  results
    .command('report')
    .description(
      'Build one self-contained HTML file from what is recorded: tables, curves, costs, runs and the audit of the ' +
        'paper. It opens from disk and asks no server for anything.',
    )
    .option('--results-dir <folder>', 'where the records are', path.join(ROOT, 'results'))
    .option('--out <file>', 'where the page goes (default: report/index.html below the records)')
    .action(async (options: Options) => {
      const { writeAtomically } = await import('@psoft/results');
      const file = path.resolve(options.out ?? path.join(options.resultsDir, 'report', 'index.html'));
      const page = await makeReport(options.resultsDir, path.dirname(file));
      await writeAtomically(file, page);
      const megabytes = (Buffer.byteLength(page) / 1e6).toFixed(1);
      process.stdout.write(
        `${path.relative(process.cwd(), file)}: ${megabytes} MB\nopen it: ${pathToFileURL(file).href}\n`,
      );
    });
}

/**
 * The page as text.
 * @param folder that it will lie in: its links are relative to it
 */
export async function makeReport(resultsDir: string, folder: string): Promise<string> {
  const { describeSkipped, readRecords } = await import('@psoft/results');
  const { readPaper } = await import('@psoft/results/paper');
  const { audit } = await import('@psoft/results/audit');
  const { buildReport, PROFILES } = await import('@psoft/results/report/page');
  const { TABLE_SPECS } = await import('@psoft/results/report/tables');
  const { readAngles } = await import('@psoft/results/angles');
  const { readBenches } = await import('@psoft/results/bench');
  const { buildFigure, FIGURES } = await import('@psoft/results/report/figures');
  const { planTable } = await import('./plan.ts');
  const { reproducer } = await import('./reproduce.ts');
  const experiments = findExperiments();
  const root = path.resolve(resultsDir);
  const [{ records, skipped }, measured, benches] = await Promise.all([
    readRecords(root),
    readAngles(root),
    readBenches(root),
  ]);
  for (const line of describeSkipped(root, [...skipped, ...measured.skipped, ...benches.skipped]))
    process.stderr.write(`${line}\n`);
  const paper = await readPaper();
  const tables = await Promise.all(
    PROFILES.map((profile) =>
      tablesFor(profile, TABLE_SPECS, experiments, { records, paper, benches: benches.records }),
    ),
  );
  const figures = PROFILES.flatMap((profile) =>
    FIGURES.map((spec) =>
      buildFigure({
        ...{ spec, paper, profile, records, angles: measured.angles },
        benches: benches.records,
        plan: (place) => planTable(place, experiments, { profile })!,
      }),
    ),
  );
  return buildReport({
    experiments: EXPERIMENTS.flatMap((one) => {
      const found = experiments.get(one.name);
      const spec = TABLE_SPECS.find(({ id }) => id === one.mainTable)!;
      return found === undefined ? [] : [{ ...one, titles: titlesOf(found.title, spec) }];
    }),
    tables: tables.flat(),
    records,
    reproduce: reproducer(experiments, records),
    audit: audit(paper),
    figures,
    links: linksFrom(folder, root),
  });
}

/** The tiny profile has other models and data, and is not called as the paper's. */
function titlesOf(title: string, { tiny }: TableSpec): Record<string, string> {
  const own = `${tiny[0]!.toUpperCase()}${tiny.slice(1)}`;
  // "GLUE on DeBERTaV3-base (PSOFT, Table 2)": the page says of itself what it is about.
  return { tiny: own, paper: title.replace(/ \([^()]*\)$/, '') };
}

function linksFrom(folder: string, results: string): PageLinks {
  const href = (target: string) => path.relative(folder, target).split(path.sep).join('/') || '.';
  return {
    results: href(results),
    // An installed package brings none.
    documents: DOCUMENTS.filter(([file]) => existsSync(path.join(ROOT, 'docs', file))).map(
      ([file, title, about]) => ({
        ...{ title, about },
        href: href(path.join(ROOT, 'docs', file)),
      }),
    ),
  };
}
