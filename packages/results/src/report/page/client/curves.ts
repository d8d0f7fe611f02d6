/** Learning curves: names that point lines out, and the large drawing of one task. */
import { rangeOf } from '../charts/frame.ts';
import { meanCurve } from '../data/curves.ts';
import type { CurveMethod, CurveSet, PageRun } from '../data/types.ts';
import { type Drawing, draw } from './chart.ts';
import { data, runs } from './data.ts';
import { all, button, element, one } from './dom.ts';
import { number, words } from './format.ts';

export function startCurves(): void {
  for (const block of all('[data-curves]')) {
    const large = one('.large', block);
    const state: { drawing?: Drawing; focus: string; turn: number } = { focus: '', turn: 0 };
    const focus = (key: string) => {
      block.dataset.focus = key;
      for (const line of all<SVGElement>('[data-method]', block))
        line.classList.toggle('away', key !== '' && line.dataset.method !== key);
      void state.drawing?.view.signal('focus', key).runAsync();
    };
    for (const entry of all('.legend li', block)) {
      const key = entry.dataset.method!;
      const toggle = button({ 'aria-pressed': 'false' }, () => {
        state.focus = state.focus === key ? '' : key;
        for (const other of all('.legend button', block))
          other.setAttribute('aria-pressed', String(other === toggle && state.focus !== ''));
        focus(state.focus);
      });
      toggle.append(...entry.childNodes);
      entry.append(toggle);
      toggle.addEventListener('pointerenter', () => focus(key));
      toggle.addEventListener('pointerleave', () => focus(state.focus));
    }
    for (const box of all('[data-curve]', block)) {
      const set = data.curves.find(({ id }) => id === box.dataset.curve)!;
      const caption = one('figcaption', box);
      const opener = button(
        { class: 'link', 'aria-expanded': 'false' },
        () => void open(set, set.columns[0]!, opener),
        ...caption.childNodes,
      );
      caption.append(opener);
      // The whole drawing opens it; its caption is the way by keyboard.
      box.addEventListener('click', ({ target }) => {
        if (!(target as Element).closest('button')) opener.click();
      });
    }
    const open = async (set: CurveSet, column: string, opener: HTMLElement) => {
      const turn = ++state.turn;
      state.drawing?.close();
      for (const other of all('[data-curve] button', block))
        other.setAttribute('aria-expanded', String(other === opener));
      const place = element('div', { class: 'drawing' });
      const choices = set.columns.map((name) =>
        button(
          { 'aria-pressed': String(name === column) },
          () => void open(set, name, opener),
          columnName(name),
        ),
      );
      const close = button(
        { class: 'close', 'aria-label': `Close ${set.task}` },
        () => {
          state.drawing?.close();
          delete state.drawing;
          large.hidden = true;
          opener.setAttribute('aria-expanded', 'false');
          opener.focus();
        },
        '×',
      );
      large.replaceChildren(
        element(
          'header',
          {},
          element('h4', {}, `${set.task}: ${columnName(column)}`),
          element('div', { class: 'choices' }, ...choices),
          close,
        ),
        place,
      );
      const wasHidden = large.hidden;
      large.hidden = false;
      const drawing = await drawCurves(place, set.methods, column, state.focus);
      if (turn !== state.turn) return drawing.close();
      state.drawing = drawing;
      if (wasHidden) large.scrollIntoView({ block: 'nearest' });
    };
  }
}

function drawCurves(
  place: HTMLElement,
  methods: readonly CurveMethod[],
  column: string,
  focus = '',
): Promise<Drawing> {
  const look = (key: string) => {
    const style = data.styles[key]!;
    return { key, colour: style.colour, dash: style.dash, width: key === 'psoft' ? 3 : 1.75 };
  };
  const series = (at: number) => ({
    epoch: runs[at]!.epochs.epoch ?? [],
    value: runs[at]!.epochs[column] ?? [],
  });
  const means = methods.flatMap(({ key, label: name, runs: own }) =>
    meanCurve(own.map(series)).map(({ epoch, value }) => ({
      ...look(key),
      epoch,
      value,
      text: `${name}, epoch ${epoch}: ${number(value)}${own.length > 1 ? `, mean of ${own.length} seeds` : ''}`,
    })),
  );
  const seeds = methods.flatMap(({ key, runs: own }) =>
    own.length < 2
      ? []
      : own.flatMap((at) =>
          meanCurve([series(at)]).map((point) => ({ ...look(key), ...point, seed: runs[at]!.seed })),
        ),
  );
  return draw(data.templates.curve, place, {
    label: `${columnName(column)} by epoch, ${methods.length === 1 ? '1 method' : `${methods.length} methods`}`,
    fits: true,
    prepare: (view) => {
      const drawn = [...means, ...seeds];
      view.data('seeds', seeds).data('means', means);
      view.signal('valueTitle', columnName(column)).signal('focus', focus);
      view.signal('epochRange', rangeOf(drawn.map(({ epoch }) => epoch)));
      view.signal('valueRange', rangeOf(drawn.map(({ value }) => value)));
    },
  });
}

/** Of one run in its dialog: the metric and the loss. */
export function curveOfRun(run: PageRun): { elements: HTMLElement[]; close(): void } {
  const at = runs.indexOf(run);
  const columns = [`selection.${run.metric}`, 'trainLoss'].filter(
    (name) => (run.epochs[name]?.length ?? 0) > 1,
  );
  const drawings: Promise<Drawing>[] = [];
  const key = data.styles[run.method] === undefined ? 'psoft' : run.method;
  const elements = columns.map((column) => {
    const place = element('div', { class: 'drawing' });
    // Drawn as wide as it will be, so once it stands in the dialog.
    queueMicrotask(() => drawings.push(drawCurves(place, [{ key, label: run.method, runs: [at] }], column)));
    return element('figure', { class: 'chart' }, place);
  });
  return {
    elements,
    close: () => void Promise.all(drawings).then((all) => all.forEach((one) => void one.close())),
  };
}

const columnName = (column: string): string => (column === 'trainLoss' ? 'training loss' : words(column));
