import path from 'node:path';
import type { ReportFigure, ThemeName } from '@psoft/results/report/figures';
import { ConfigError } from '@psoft/training/config';
import { type Command, Option } from 'commander';
import { findExperiments, ROOT } from '../../workspace.ts';
import { nameList } from '../numbers.ts';

interface Options {
  readonly profile: 'tiny' | 'paper' | 'all';
  readonly figures?: readonly string[];
  readonly theme: ThemeName;
  readonly resultsDir: string;
  readonly out?: string;
}

export function addFiguresCommand(results: Command): void {
  results
    .command('figures')
    .description(
      'Draw the figures of the paper from what is recorded, as SVG, PNG and Vega-Lite. Nothing is run: figures that ' +
        'have no data yet say which command fills them.',
    )
    .addOption(new Option('--profile <name>', 'of the runs').choices(['tiny', 'paper', 'all']).default('all'))
    .option('--figures <list>', 'some of them, separated by commas: figure3,figure11', nameList)
    .addOption(
      new Option('--theme <name>', 'files of the dark one end in -dark')
        .choices(['light', 'dark'])
        .default('light'),
    )
    .option('--results-dir <folder>', 'where the records are', path.join(ROOT, 'results'))
    .option('--out <folder>', 'where the figures go (default: figures/ below the records)')
    .action(async (options: Options) => {
      for (const profile of options.profile === 'all' ? ['tiny', 'paper'] : [options.profile])
        await writeFigures(await buildFigures(profile, options), profile, options);
    });
}

/**
 * The figures of one profile, those without data among them.
 * @throws ConfigError for a figure that there is not
 */
export async function buildFigures(
  profile: string,
  { figures: wanted, resultsDir }: Pick<Options, 'figures' | 'resultsDir'>,
): Promise<ReportFigure[]> {
  const { describeSkipped, readRecords } = await import('@psoft/results');
  const { readAngles } = await import('@psoft/results/angles');
  const { readBenches } = await import('@psoft/results/bench');
  const { readPaper } = await import('@psoft/results/paper');
  const { buildFigure, FIGURES } = await import('@psoft/results/report/figures');
  const { planTable } = await import('./plan.ts');
  const known = FIGURES.map(({ id }) => id);
  const unknown = wanted?.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new ConfigError(`unknown figure "${unknown}"; known: ${known.join(', ')}`);
  const experiments = findExperiments();
  const folder = path.resolve(resultsDir);
  const [{ records, skipped }, measured, benches, paper] = await Promise.all([
    readRecords(folder),
    readAngles(folder),
    readBenches(folder),
    readPaper(),
  ]);
  for (const line of describeSkipped(folder, [...skipped, ...measured.skipped, ...benches.skipped]))
    process.stderr.write(`${line}\n`);
  return FIGURES.filter(({ id }) => wanted?.includes(id) ?? true).map((spec) =>
    buildFigure({
      ...{ spec, paper, profile, records, angles: measured.angles },
      benches: benches.records,
      plan: (place) => planTable(place, experiments, { profile })!,
    }),
  );
}

async function writeFigures(
  figures: readonly ReportFigure[],
  profile: string,
  { figures: wanted, theme, resultsDir, out }: Options,
): Promise<void> {
  const { renderPng, renderSvg, writeAtomically } = await import('@psoft/results');
  const { captionsOf, fromText, specificationOf } = await import('@psoft/results/report/figures');
  const folder = path.join(path.resolve(out ?? path.join(resultsDir, 'figures')), profile);
  const told = (file: string) => path.relative(process.cwd(), file);
  for (const figure of figures) {
    if (figure.chart === undefined) {
      process.stdout.write(
        `${figure.title}, profile ${profile}: no data yet; ${figure.commands.join('; ')}\n`,
      );
      continue;
    }
    const specification = specificationOf(figure, theme);
    const svg = await renderSvg(specification);
    const file = path.join(folder, `${figure.id}${theme === 'dark' ? '-dark' : ''}`);
    await writeAtomically(`${file}.svg`, svg);
    await writeAtomically(`${file}.png`, await renderPng(svg));
    await writeAtomically(`${file}.vl.json`, `${JSON.stringify(specification, null, 2)}\n`);
    process.stdout.write(`${told(file)}.{svg,png,vl.json}: ${fromText(figure)}\n`);
  }
  // Captions are of all figures.
  if (wanted === undefined && theme === 'light')
    await writeAtomically(path.join(folder, 'captions.md'), captionsOf(figures, profile));
}
