/** The page from what is recorded. */
import { sha256 } from '../../identity.ts';
import type { RunRecord } from '../../schema.ts';
import { readAssets } from './assets.ts';
import { CURVE_TEMPLATE } from './charts/curveTemplate.ts';
import { drawFigures } from './charts/figures.ts';
import { FRONTIER_TEMPLATE } from './charts/frontierTemplate.ts';
import { frontierSvg } from './charts/staticSvg.ts';
import { curveSets } from './data/curves.ts';
import { frontiersOf } from './data/frontiers.ts';
import { rounded } from './data/rounded.ts';
import { encodeRuns, pageRun } from './data/runs.ts';
import { type TableRuns, tableRuns } from './data/selection.ts';
import type { MethodStyle, PageData, PageTable } from './data/types.ts';
import { aboutSection, type Origin } from './html/about.ts';
import { auditSection } from './html/audit.ts';
import { curvesSection } from './html/curves.ts';
import { figuresSection } from './html/figures.ts';
import { type DrawnFrontiers, frontiersSection } from './html/frontiers.ts';
import { intro } from './html/intro.ts';
import { html } from './html/markup.ts';
import { overview } from './html/overview.ts';
import { runsSection } from './html/runs.ts';
import { tablesSection } from './html/tables.ts';
import type { ReportInput } from './input.ts';
import { styleOf } from './methods.ts';
import { renderPage } from './page.ts';

/** Shown in this order; the first is chosen when the page opens. */
export const PROFILES = ['tiny', 'paper'] as const;

/** @returns one HTML file, the same for the same records */
export async function buildReport(input: ReportInput): Promise<string> {
  const { experiments, records, tables, figures, links, audit } = input;
  const runs = records.map((record) => pageRun(record, input.reproduce(record)));
  const places = new Map(records.map((record, at) => [record, at]));
  const all = tables.map((table) => tableRuns(table, records));
  const mains = all.filter(({ table }) =>
    experiments.some(({ name, mainTable }) => name === table.experiment && mainTable === table.id),
  );
  const curves = mains.flatMap((one) => curveSets(one, (record) => places.get(record)!));
  const styles = stylesOf(mains);
  const drawn = await drawFrontiers(mains);
  const drawnFigures = await drawFigures(figures);
  const reports = tables.map(({ table }) => table);
  const auditPage = links.documents.find(({ href }) => href.endsWith('audit.md'))?.href;
  const assets = await readAssets();
  const data: PageData = {
    profiles: PROFILES,
    runs: encodeRuns(runs),
    tables: all.map((one) => pageTable(one, places)),
    curves,
    styles,
    templates: { frontier: FRONTIER_TEMPLATE, curve: CURVE_TEMPLATE },
    frontiers: rounded(drawn.flatMap(({ drawings }) => drawings.map(({ chart }) => chart))),
    figures: drawnFigures.flatMap(({ chart }) => chart ?? []),
    results: links.results,
  };
  const counts = new Map(
    PROFILES.map((name) => [name, records.filter(({ runInfo }) => runInfo.profile === name).length]),
  );
  const sections = [
    { id: 'overview', title: 'Overview', html: overview(PROFILES, experiments, reports) },
    { id: 'tables', title: 'Tables', html: tablesSection(PROFILES, reports) },
    { id: 'frontiers', title: 'Costs', html: frontiersSection(PROFILES, experiments, drawn) },
    { id: 'curves', title: 'Curves', html: curvesSection(PROFILES, experiments, curves, runs, styles) },
    { id: 'figures', title: 'Figures', html: figuresSection(PROFILES, drawnFigures) },
    { id: 'runs', title: 'Runs', html: runsSection(PROFILES, counts, links) },
    { id: 'audit', title: 'Audit', html: auditSection(audit, auditPage) },
    { id: 'about', title: 'Reproduce', html: aboutSection(originOf(records), links, assets.licences) },
  ].flatMap((section) => (section.html === undefined ? [] : [{ ...section, html: section.html }]));
  return renderPage({
    title: 'PSOFT: results of the reproduction',
    profiles: PROFILES,
    intro: intro(),
    sections,
    data,
    assets,
  });
}

/** The digest changes when any record does. */
function originOf(records: readonly RunRecord[]): Origin {
  const newest = records
    .map(({ runInfo }) => runInfo.createdAt)
    .sort()
    .at(-1);
  return {
    records: records.length,
    ...(newest === undefined ? {} : { newest }),
    digest: sha256(records.map((record) => sha256(record))),
  };
}

function pageTable({ table, records, tasks }: TableRuns, places: ReadonlyMap<RunRecord, number>): PageTable {
  const { notes: _, caption: __, ...kept } = table;
  const runs = [...records].map(([row, byTask]) => [
    row,
    Object.fromEntries([...byTask].map(([task, own]) => [task, own.map((record) => places.get(record)!)])),
  ]);
  return { ...rounded(kept), runs: Object.fromEntries(runs), tasks: Object.fromEntries(tasks) };
}

function stylesOf(mains: readonly TableRuns[]): Record<string, MethodStyle> {
  const named = mains.flatMap(({ table }) =>
    table.rows.map(({ key, method }) => [key, styleOf(key, method)] as const),
  );
  return { psoft: styleOf('psoft', 'PSOFT'), ...Object.fromEntries(named) };
}

async function drawFrontiers(mains: readonly TableRuns[]): Promise<DrawnFrontiers[]> {
  const drawn: DrawnFrontiers[] = [];
  for (const main of mains) {
    const { profile, experiment } = main.table;
    const { charts, notes } = frontiersOf(main);
    const drawings = [];
    for (const chart of charts) {
      const label = html`${chart.scoreTitle} against ${chart.costTitle}, ${chart.points.length} methods`;
      drawings.push({ chart, svg: await frontierSvg(chart, label) });
    }
    drawn.push({ profile, experiment, drawings, notes });
  }
  return drawn;
}
