/** The page's data, unfolded. */
import { type PageData, type PageRun, SHARED } from '../data/types.ts';
import { one } from './dom.ts';

export const data = JSON.parse(one('#page-data').textContent ?? '') as PageData;

export const runs: readonly PageRun[] = data.runs.rows.map(
  (row) =>
    Object.fromEntries(
      data.runs.fields.map((field, at) => [
        field,
        (SHARED as readonly string[]).includes(field) ? data.runs.shared[row[at] as number] : row[at],
      ]),
    ) as unknown as PageRun,
);

const byHash = new Map(runs.map((run) => [run.hash, run]));

export const runByHash = (hash: string): PageRun | undefined => byHash.get(hash);

/** Of the record, relative to the page. */
export function fileOf({ profile, experiment, task, name }: PageRun): string {
  return `${data.results}/${profile}/${experiment}/${task}/${name}.json`;
}

export const methodName = ({ method, variant }: Pick<PageRun, 'method' | 'variant'>): string =>
  variant === null ? method : `${method}-${variant}`;
