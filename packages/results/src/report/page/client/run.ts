/** Everything about one run. */
import type { PageRun } from '../data/types.ts';
import { commandBox } from './copy.ts';
import { curveOfRun } from './curves.ts';
import { fileOf, methodName, runByHash } from './data.ts';
import { openDialog } from './dialog.ts';
import { button, type Content, element } from './dom.ts';
import { count, field, number, seconds, words } from './format.ts';
import { facts, scroller, section } from './parts.ts';

type Values = Readonly<Record<string, unknown>>;

export function openRun(run: PageRun): void {
  const curves = curveOfRun(run);
  openDialog({
    title: `${run.experiment}/${run.task}: ${methodName(run)}, seed ${run.seed}`,
    address: `run=${run.hash.slice(0, 8)}`,
    onClosed: curves.close,
    body: [
      facts(head(run)),
      section(
        'Reproduce it',
        ...(run.noCommand === null
          ? [element('div', { class: 'commands' }, ...run.commands.map(commandBox))]
          : [element('p', {}, run.noCommand)]),
        element(
          'p',
          {},
          element('a', { href: fileOf(run) }, 'The record, with every digit'),
          ' and its identity: ',
          element('code', {}, run.hash),
        ),
      ),
      curves.elements.length === 0
        ? undefined
        : section('Curves', element('div', { class: 'charts' }, ...curves.elements)),
      section('Result', facts(entries(run.test ?? {})), facts(measured(run.measured))),
      section(
        'Settings',
        ...Object.entries(run.config).flatMap(([name, values]) => group(words(name), values)),
        ...group('seeds', run.seeds),
      ),
      section(
        'Model and data',
        ...Object.entries(run.sources).flatMap(([name, values]) => group(words(name), values)),
      ),
      section(
        'Code and machine',
        ...Object.entries(run.environment).flatMap(([name, values]) => group(words(name), values)),
      ),
      epochTable(run),
    ],
  });
}

function head(run: PageRun): [string, Content][] {
  const { trainable, trainableWithoutHead, total } = run.parameters;
  const source = run.evaluates === null ? undefined : runByHash(run.evaluates);
  return [
    [words(run.metric), run.score === null ? 'evaluated by other runs' : number(run.score)],
    ['profile', run.profile],
    ['status', run.error === null ? run.status : `${run.status}: ${run.error}`],
    [
      'trained parameters',
      `${count(trainableWithoutHead)}${trainable > trainableWithoutHead ? ` + ${count(trainable - trainableWithoutHead)} of the head` : ''}, of ${count(total)}`,
    ],
    ['wall time', seconds(run.totalSeconds)],
    ['at', run.createdAt.replace('T', ' ').replace(/\.\d+Z$/, ' UTC')],
    ['protocol', run.protocol],
    ...(run.best === null
      ? []
      : [['best epoch', `${run.best.epoch}: ${field('value', run.best.value)}`] as [string, Content]]),
    ...(source === undefined
      ? []
      : [['evaluates', button({ class: 'link' }, () => openRun(source), source.name)] as [string, Content]]),
    ...(run.reference === null
      ? []
      : [['published', `${run.reference.value} (${run.reference.source})`] as [string, Content]]),
  ];
}

const entries = (values: Values): [string, Content][] =>
  Object.entries(values).map(([name, value]) => [words(name), field(name, value)]);

/** Measurements of a kind of their own, such as what was generated, are opened up. */
function measured(values: Values): [string, Content][] {
  return Object.entries(values).flatMap(([name, value]): [string, Content][] =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? entries(value as Values).map(([inner, text]) => [`${words(name)}, ${inner}`, text])
      : [[words(name), field(name, value)]],
  );
}

function group(title: string, values: Values): Content[] {
  if (Object.keys(values).length === 0) return [];
  return [element('h4', {}, title), facts(entries(values))];
}

function epochTable({ epochs }: PageRun): HTMLElement | undefined {
  const columns = Object.entries(epochs);
  const length = columns[0]?.[1].length ?? 0;
  if (length === 0) return undefined;
  return section(
    'Epochs',
    scroller(
      'Measurements by epoch',
      element(
        'table',
        {},
        element(
          'thead',
          {},
          element('tr', {}, ...columns.map(([name]) => element('th', { scope: 'col' }, words(name)))),
        ),
        element(
          'tbody',
          {},
          ...Array.from({ length }, (_, at) =>
            element(
              'tr',
              {},
              ...columns.map(([, values]) =>
                element('td', {}, values[at] === null ? '—' : number(values[at]!)),
              ),
            ),
          ),
        ),
      ),
    ),
  );
}
