/** In what two records differ. */
import { flatten } from '../flatten.ts';
import { canonicalJson } from '../identity.ts';
import type { EpochMetrics, RunRecord } from '../schema.ts';
import { type Entry, isImportedEntry } from './ledger.ts';

export const SECTIONS = ['configuration', 'data', 'environment', 'code', 'metrics'] as const;
export type Section = (typeof SECTIONS)[number];

export interface Difference {
  readonly section: Section;
  readonly path: string;
  /** Absent where the record lacks it. */
  readonly a?: unknown;
  readonly b?: unknown;
}

/** Where a path belongs: the longest beginning decides; undefined is no difference worth telling. */
const SECTION_OF: readonly (readonly [string, Section | undefined])[] = [
  ['schemaVersion', undefined],
  ['importedFrom', undefined],
  ['runInfo', 'configuration'],
  // Of every run its own.
  ['runInfo.configHash', undefined],
  ['runInfo.createdAt', undefined],
  ['runInfo.totalSeconds', 'metrics'],
  ['runInfo.continued', 'metrics'],
  ['runInfo.status', 'metrics'],
  ['runInfo.error', 'metrics'],
  ['values', 'configuration'],
  ['metaInfo', 'environment'],
  ['metaInfo.modelInfo', 'data'],
  ['metaInfo.datasetInfo', 'data'],
  ['metaInfo.codeInfo', 'code'],
  ['metaInfo.packageInfo', 'code'],
  // Of runs of ours that came as an import.
  ['metaInfo.runInfo', 'configuration'],
  ['metaInfo.runInfo.configHash', undefined],
  ['trainInfo', 'metrics'],
  ['trainInfo.selectionMetric', 'configuration'],
  ['referenceScore', 'metrics'],
  // Names of PEFT's results.
  ['metaInfo.model_info', 'data'],
  ['metaInfo.dataset_info', 'data'],
  ['metaInfo.package_info', 'code'],
  ['metaInfo.run_info', 'code'],
  ['metaInfo.train_info', 'metrics'],
];

/** Measured anew by every run. */
const TIMES = ['trainSeconds', 'evalSeconds', 'tokensPerSecond', 'medianStepMilliseconds'];

/** Everything that is not equal, by section; curves by where they part. */
export function diffEntries(a: Entry, b: Entry): Difference[] {
  const [left, right] = [a, b].map(({ record }) => {
    const { trainInfo, ...rest } = record;
    const { metrics: _, series: __, ...info } = trainInfo as Record<string, unknown>;
    return flatten({ ...rest, trainInfo: info });
  }) as [Map<string, unknown>, Map<string, unknown>];
  const found: Difference[] = [];
  for (const path of new Set([...left.keys(), ...right.keys()])) {
    const section = sectionOf(path);
    const [one, other] = [left.get(path), right.get(path)];
    if (section === undefined || same(one, other)) continue;
    found.push({
      section,
      path,
      ...(one === undefined ? {} : { a: one }),
      ...(other === undefined ? {} : { b: other }),
    });
  }
  if (!isImportedEntry(a) && !isImportedEntry(b))
    found.push(...diffEpochs(a.record as RunRecord, b.record as RunRecord));
  return SECTIONS.flatMap((section) => found.filter((one) => one.section === section));
}

function sectionOf(path: string): Section | undefined {
  let best: readonly [string, Section | undefined] = ['', 'configuration'];
  for (const row of SECTION_OF)
    if ((path === row[0] || path.startsWith(`${row[0]}.`)) && row[0].length > best[0].length) best = row;
  return best[1];
}

/** Tens of rows of small numbers say little; where they part says whether two runs were ever one. */
function diffEpochs({ trainInfo: a }: RunRecord, { trainInfo: b }: RunRecord): Difference[] {
  const found: Difference[] = [];
  if (a.metrics.length !== b.metrics.length)
    found.push({
      section: 'metrics',
      path: 'trainInfo.metrics.length',
      a: a.metrics.length,
      b: b.metrics.length,
    });
  const both = Math.min(a.metrics.length, b.metrics.length);
  for (let i = 0; i < both; i++) {
    const [left, right] = [withoutTimes(a.metrics[i]!), withoutTimes(b.metrics[i]!)];
    const paths = [...new Set([...left.keys(), ...right.keys()])].filter(
      (path) => !same(left.get(path), right.get(path)),
    );
    if (paths.length === 0) continue;
    return [
      ...found,
      ...paths.map(
        (path): Difference => ({
          section: 'metrics',
          path: `trainInfo.metrics.${i}.${path}`,
          ...(left.has(path) ? { a: left.get(path) } : {}),
          ...(right.has(path) ? { b: right.get(path) } : {}),
        }),
      ),
    ];
  }
  return found;
}

function withoutTimes(row: EpochMetrics): Map<string, unknown> {
  const { ...rest } = row as Record<string, unknown>;
  for (const name of TIMES) delete rest[name];
  return flatten(rest);
}

function same(a: unknown, b: unknown): boolean {
  if (a === undefined || b === undefined) return a === b;
  return canonicalJson(a) === canonicalJson(b);
}
