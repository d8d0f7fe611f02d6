/** The list of all runs of the profile: searched, narrowed, a page at a time. */
import { methodName, runs } from './data.ts';
import { all, announce, button, element, one } from './dom.ts';
import { currentProfile, onProfile } from './profile.ts';
import { openRun } from './run.ts';
import { runTable } from './runTable.ts';

const PAGE = 50;

interface Query {
  text: string;
  experiment: string;
  task: string;
  method: string;
}

export function startRuns(): void {
  const place = one('#run-list');
  const query: Query = { text: '', experiment: '', task: '', method: '' };
  let page = 0;
  const tools = element('div', { class: 'tools' });
  const result = element('div', {});
  place.replaceChildren(tools, result);

  const show = () => {
    const found = matching(query);
    const pages = Math.max(1, Math.ceil(found.length / PAGE));
    page = Math.min(page, pages - 1);
    const shown = found.slice(page * PAGE, (page + 1) * PAGE);
    const go = (by: number) => () => {
      page += by;
      show();
      announce(`Page ${page + 1} of ${pages}`);
    };
    const first = found.length === 0 ? 0 : page * PAGE + 1;
    result.replaceChildren(
      found.length === 0
        ? element('p', { class: 'empty' }, 'No run is like that.')
        : runTable(shown, `Runs of the ${currentProfile()} profile`),
      element(
        'nav',
        { class: 'pages', 'aria-label': 'Pages of runs' },
        button({ disabled: page === 0 }, go(-1), 'Previous'),
        element('span', {}, `${first} to ${page * PAGE + shown.length} of ${found.length}`),
        button({ disabled: page >= pages - 1 }, go(1), 'Next'),
      ),
    );
    return found.length;
  };
  const changed = () => {
    page = 0;
    announce(`${show()} runs`);
  };
  const rebuild = () => {
    Object.assign(query, { text: '', experiment: '', task: '', method: '' });
    page = 0;
    tools.replaceChildren(
      search(query, changed),
      ...(['experiment', 'task', 'method'] as const).map((field) => choice(field, query, changed)),
    );
    show();
  };
  onProfile(rebuild);
  rebuild();
  addEventListener('hashchange', openAddressed);
  openAddressed();
}

function matching({ text, experiment, task, method }: Query): number[] {
  const profile = currentProfile();
  const words = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  return runs.flatMap((run, at) => {
    const isWanted =
      run.profile === profile &&
      (experiment === '' || run.experiment === experiment) &&
      (task === '' || run.task === task) &&
      (method === '' || methodName(run) === method) &&
      words.every((word) =>
        `${run.experiment}/${run.task}/${run.name} ${run.hash}`.toLowerCase().includes(word),
      );
    return isWanted ? [at] : [];
  });
}

function search(query: Query, changed: () => void): HTMLInputElement {
  const input = element('input', {
    type: 'search',
    'aria-label': 'Search runs by name or hash',
    placeholder: 'Search by name or hash',
  });
  input.addEventListener('input', () => {
    query.text = input.value;
    changed();
  });
  return input;
}

function choice(field: 'experiment' | 'task' | 'method', query: Query, changed: () => void): HTMLElement {
  const values = new Set(
    runs
      .filter(({ profile }) => profile === currentProfile())
      .map((run) => (field === 'method' ? methodName(run) : run[field])),
  );
  const select = element(
    'select',
    { 'aria-label': `Only this ${field}` },
    element('option', { value: '' }, `every ${field}`),
    ...[...values].sort().map((value) => element('option', { value }, value)),
  );
  select.addEventListener('change', () => {
    query[field] = select.value;
    changed();
  });
  return select;
}

/** `#run=0123abcd` is a link to one run. */
function openAddressed(): void {
  const hash = /^#run=([0-9a-f]{4,64})$/.exec(location.hash)?.[1];
  const run = hash === undefined ? undefined : runs.find((one) => one.hash.startsWith(hash));
  if (run === undefined) return;
  const radio = all<HTMLInputElement>('input[name="profile"]').find(({ value }) => value === run.profile);
  if (radio !== undefined && !radio.checked) radio.click();
  openRun(run);
}
