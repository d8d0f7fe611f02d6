/** What the benches of points share: options, one process a point, and where the records go. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type BenchPoint, type BenchRecord, checkBench, writeBench } from '@psoft/results/bench';
import { parseSettings } from '../src/resolve.ts';
import { measure } from './measure.ts';
import { listOf, optionsOf, parse, USAGE, type Values, wishOf } from './options.ts';
import {
  type adapterOf,
  METHODS,
  type Profile,
  pointOf,
  SUBJECTS,
  type Subject,
  unavailableOf,
  type Wish,
} from './points.ts';
import { benchRecord, type Job, ONLY } from './process.ts';
import { header, row } from './show.ts';

/** Which points a bench measures when nobody says which. */
export type Suite = (wish: Wish, methods: readonly string[], isAsked: boolean) => readonly BenchPoint[];

/** What is made of the records when they are written. */
export type Report = (resultsDir: string, profile: Profile) => Promise<void>;

/**
 * Runs a bench from its arguments.
 * @param self the script's own path: it is started again for each point
 * @returns the exit code
 */
export async function runBench(
  self: string,
  name: string,
  suite: Suite,
  report?: Report,
  args = process.argv.slice(2),
): Promise<number> {
  const only = args.indexOf(ONLY);
  if (only >= 0) {
    const { point, options } = JSON.parse(args[only + 1]!) as Job;
    process.stdout.write(JSON.stringify(await measure(point, options)));
    return 0;
  }
  try {
    const { values } = parse(args);
    if (values.help) process.stdout.write(`nx run bench:${name} [options]\n${USAGE}\n`);
    else if (values.import !== undefined) await importLines(values.import, values['results-dir']);
    else return await measureAll(self, suite, values, report);
    return 0;
  } catch (error) {
    process.stderr.write(`bench: ${(error as Error).message}\n`);
    return 1;
  }
}

async function measureAll(self: string, suite: Suite, values: Values, report?: Report): Promise<number> {
  const wish = await wishOf(values);
  const methods = listOf(values.methods ?? values.method, METHODS, 'method') ?? METHODS;
  const points = pointsOf(values, wish, methods, suite);
  const isPrinted = values.json || values.shape !== undefined;
  if (values['dry-run']) {
    for (const point of points) process.stdout.write(`${JSON.stringify(point)}\n`);
    return 0;
  }
  if (!isPrinted) process.stdout.write(`${header()}\n${header().replace(/[^|]+/g, '---')}\n`);
  let failed = 0;
  for (const point of points) {
    const known = unavailableOf(point);
    const record = await benchRecord(self, point, optionsOf(values, wish), known);
    if (record.measured === undefined && known === undefined) failed++;
    if (isPrinted) process.stdout.write(`${JSON.stringify(record)}\n`);
    else {
      process.stdout.write(`${row(record)}\n`);
      await writeBench(path.resolve(values['results-dir']), record);
    }
  }
  if (!isPrinted) await report?.(path.resolve(values['results-dir']), wish.profile);
  if (failed > 0) process.stderr.write(`${failed} of ${points.length} points could not be measured\n`);
  return failed > 0 && failed === points.length ? 1 : 0;
}

function pointsOf(
  values: Values,
  wish: Wish,
  methods: readonly string[],
  suite: Suite,
): readonly BenchPoint[] {
  const shapes = listOf(values.shape, SUBJECTS, 'shape');
  const points =
    shapes === undefined
      ? suite(wish, methods, (values.methods ?? values.method) !== undefined)
      : shapes.flatMap((shape) =>
          (values.method === undefined && values.methods === undefined ? ['psoft'] : methods).map((method) =>
            pointOf(shape as Subject, method, wish),
          ),
        );
  const settings = parseSettings(values.set) as BenchPoint['adapter'];
  return points.map((point) => {
    if (point.method === 'full' || point.method === 'head') return point;
    const own = values.exact && point.method === 'psoft' ? withoutSeries(point.adapter) : point.adapter;
    return { ...point, adapter: { ...own, ...settings } };
  });
}

function withoutSeries({
  useCayleyNeumann: _,
  numCayleyNeumannTerms: __,
  neumannConvention: ___,
  ...rest
}: ReturnType<typeof adapterOf>) {
  return rest;
}

async function importLines(file: string, resultsDir: string): Promise<void> {
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '');
  const records = lines.map((line, i): BenchRecord => {
    try {
      return checkBench(JSON.parse(line));
    } catch (error) {
      throw new Error(`${file}, line ${i + 1}: ${(error as Error).message}`);
    }
  });
  for (const record of records)
    process.stdout.write(
      `${path.relative(process.cwd(), await writeBench(path.resolve(resultsDir), record))}\n`,
    );
}
