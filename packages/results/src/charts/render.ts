/** From specifications to SVG files: no canvas, no browser, no network; the same records give the same bytes. */
import path from 'node:path';
import type { LoggerInterface, Spec, View } from 'vega';
import { writeAtomically } from '../atomic.ts';
import { taskFolder } from '../identity.ts';
import type { RunRecord } from '../schema.ts';
import { testScore } from '../summary.ts';
import { learningCurves } from './learningCurves.ts';
import { methodComparison } from './methodComparison.ts';
import type { ChartSpecification } from './specification.ts';

/** Where charts go unless told otherwise, relative to the workspace. */
export const DEFAULT_CHARTS_FOLDER = path.join('results', 'charts');

export interface RenderResult {
  /** Paths of the files. */
  readonly written: readonly string[];
  /** Tasks without any completed run, as `<profile>/<experiment>/<task>`. */
  readonly empty: readonly string[];
}

/** Each with the runs that it can show: evaluations have no epochs, and some trainings no score. */
const CHARTS: Readonly<
  Record<string, { specify: typeof learningCurves; shows: (record: RunRecord) => boolean }>
> = {
  'learning-curves': {
    specify: learningCurves,
    shows: ({ runInfo }) => runInfo.evaluationConfig === undefined,
  },
  'method-comparison': {
    specify: methodComparison,
    shows: (record) => record.runInfo.status !== 'completed' || testScore(record) !== undefined,
  },
};

/**
 * Draws `<profile>/<experiment>/<task>/learning-curves.svg` and `method-comparison.svg` below `folder` for every
 * task that has a completed run. Files are replaced whole.
 */
export async function renderCharts(
  records: readonly RunRecord[],
  folder = DEFAULT_CHARTS_FOLDER,
): Promise<RenderResult> {
  const tasks = new Map<string, RunRecord[]>();
  for (const record of records) {
    const task = taskFolder(record.runInfo);
    tasks.set(task, [...(tasks.get(task) ?? []), record]);
  }
  const written: string[] = [];
  const empty: string[] = [];
  for (const [task, members] of [...tasks].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!members.some(isCompleted)) {
      empty.push(task.split(path.sep).join('/'));
      continue;
    }
    for (const [name, { specify, shows }] of Object.entries(CHARTS)) {
      const shown = members.filter(shows);
      if (!shown.some(isCompleted)) continue;
      const file = path.join(folder, task, `${name}.svg`);
      await writeAtomically(file, await renderSvg(specify(shown)));
      written.push(file);
    }
  }
  return { written, empty };
}

const isCompleted = ({ runInfo }: RunRecord): boolean => runInfo.status === 'completed';

/**
 * Draws one chart.
 * @throws Error with Vega's message where it would only warn: a chart that drops values must not look finished
 */
export async function renderSvg(specification: ChartSpecification): Promise<string> {
  const { compile } = await import('vega-lite');
  return drawVega(compile(specification, { logger: STRICT }).spec);
}

export interface DrawHooks {
  /** Fills in data and signals. */
  readonly before?: (view: View) => void;
  /** Sees sizes and scales; what it changes is drawn as well. */
  readonly after?: (view: View) => void;
}

/**
 * Draws one chart that is a specification of Vega itself.
 * @throws as {@link renderSvg}
 */
export async function drawVega(spec: Spec, { before, after }: DrawHooks = {}): Promise<string> {
  // Loaded where something is drawn: most commands draw nothing, and it takes a third of a second.
  const { parse, View } = await import('vega');
  const view = new View(parse(spec), { renderer: 'none', logger: STRICT });
  try {
    before?.(view);
    await view.runAsync();
    after?.(view);
    return `${numberIds(await view.toSVG())}\n`;
  } finally {
    view.finalize();
  }
}

/** Vega numbers clip paths and gradients by process; by chart, they do not depend on what was drawn before. */
function numberIds(svg: string): string {
  const names = new Map<string, string>();
  return svg.replace(
    /((?:id="|url\(#))((clip|gradient_)\d+)/g,
    (_, before: string, id: string, kind: string) => {
      if (!names.has(id)) names.set(id, `${kind}${names.size}`);
      return `${before}${names.get(id)}`;
    },
  );
}

function refuse(...messages: readonly unknown[]): never {
  throw new Error(`chart: ${messages.map(String).join(' ')}`);
}

const STRICT: LoggerInterface = {
  level: (() => STRICT) as LoggerInterface['level'],
  error: refuse,
  warn: refuse,
  info: () => STRICT,
  debug: () => STRICT,
};
