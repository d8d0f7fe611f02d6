/** Runs as rows, each a way to its details. */
import { methodName, runs } from './data.ts';
import { button, element } from './dom.ts';
import { bytes, count, number, seconds } from './format.ts';
import { scroller } from './parts.ts';
import { openRun } from './run.ts';
import { makeSortable } from './sort.ts';

interface Column {
  readonly title: string;
  readonly text: (at: number) => string;
  /** Numbers are sorted by size. */
  readonly value?: (at: number) => number | null | undefined;
}

export const RUN_COLUMNS: readonly Column[] = [
  { title: 'task', text: (at) => `${runs[at]!.experiment}/${runs[at]!.task}` },
  { title: 'seed', text: (at) => String(runs[at]!.seed), value: (at) => runs[at]!.seed },
  { title: 'score', text: (at) => score(at), value: (at) => runs[at]!.score },
  { title: 'metric', text: (at) => runs[at]!.metric },
  {
    title: 'trained',
    text: (at) => count(runs[at]!.parameters.trainableWithoutHead),
    value: (at) => runs[at]!.parameters.trainableWithoutHead,
  },
  {
    title: 'wall time',
    text: (at) => seconds(runs[at]!.totalSeconds),
    value: (at) => runs[at]!.totalSeconds,
  },
  { title: 'peak memory', text: (at) => memoryText(at), value: (at) => memoryOf(at) },
  { title: 'date', text: (at) => runs[at]!.createdAt.slice(0, 10) },
];

const score = (at: number): string => {
  const value = runs[at]!.score;
  return value === null ? '—' : number(value);
};
const memoryOf = (at: number) => {
  const { peakDeviceMemoryBytes, peakMemoryBytes } = runs[at]!.measured as Record<string, number | undefined>;
  return peakDeviceMemoryBytes ?? peakMemoryBytes;
};
const memoryText = (at: number) => {
  const value = memoryOf(at);
  return value === undefined ? '—' : bytes(value);
};

export function runTable(places: readonly number[], label: string): HTMLElement {
  const table = element(
    'table',
    { class: 'runs' },
    element(
      'thead',
      {},
      element(
        'tr',
        {},
        element('th', { scope: 'col' }, 'run'),
        ...RUN_COLUMNS.map(({ title, value }) =>
          element('th', { scope: 'col', class: value === undefined ? 'text' : undefined }, title),
        ),
      ),
    ),
    element('tbody', {}, ...places.map(rowOf)),
  );
  makeSortable(table, (column) => (RUN_COLUMNS[column - 1]?.title === 'score' ? 'descending' : 'ascending'));
  return scroller(label, table);
}

function rowOf(at: number): HTMLTableRowElement {
  const run = runs[at]!;
  return element(
    'tr',
    {},
    element(
      'th',
      { scope: 'row' },
      button(
        { class: 'link', 'aria-label': `Details of ${run.name}` },
        () => openRun(run),
        `${methodName(run)} s${run.seed}`,
      ),
    ),
    ...RUN_COLUMNS.map(({ text, value }) => {
      const sortable = value?.(at);
      return element(
        'td',
        {
          class: value === undefined ? 'text' : undefined,
          'data-value': sortable === null ? undefined : sortable,
        },
        text(at),
      );
    }),
  );
}
