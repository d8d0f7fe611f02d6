/** What came out, an experiment at a time. */
import { formatCount } from '../../../summary.ts';
import type { ReportTable } from '../../tables/index.ts';
import { labelOf } from '../../tables/render/lines.ts';
import { type Standing, type Verdict, verdictOf } from '../data/verdict.ts';
import type { PageExperiment } from '../input.ts';
import { styleOf } from '../methods.ts';
import { type Html, html } from './markup.ts';
import { commands, listed, ofProfile, plural } from './parts.ts';

export function overview(
  profiles: readonly string[],
  experiments: readonly PageExperiment[],
  tables: readonly ReportTable[],
): Html {
  return html`<section id="overview" aria-labelledby="overview-title">
<h2 id="overview-title">Overview</h2>
${profiles.map((profile) =>
  ofProfile(
    profile,
    html`<div class="cards">${experiments.map((experiment) => {
      const own = tables.filter((one) => one.profile === profile && one.experiment === experiment.name);
      const main = own.find(({ id }) => id === experiment.mainTable);
      return main && card(experiment, main, own);
    })}</div>`,
  ),
)}
</section>`;
}

function card(experiment: PageExperiment, table: ReportTable, own: readonly ReportTable[]): Html {
  const verdict = verdictOf(table);
  const isRun = verdict.standings.length > 0;
  const printed = table.profile === 'paper' && !isRun ? verdictOf(table, 'paper') : undefined;
  const shown = printed ?? verdict;
  return html`<article class="card" data-experiment="${experiment.name}">
<header><p class="kicker">${experiment.name}</p><h3>${experiment.titles[table.profile]}</h3>${badge(verdict, table)}</header>
<p class="verdict">${printed ? printedSentence(printed) : sentence(verdict, table)}</p>
${shown.standings.length > 0 && ranking(shown, printed ? 'printed by the paper' : 'ours')}
<dl class="facts">${facts(verdict, table).map(
    ([term, text]) => html`<div><dt>${term}</dt><dd>${text}</dd></div>`,
  )}</dl>
${missing(own)}
</article>`;
}

/** The shortest form, in words: colour alone tells nobody anything. */
function badge(verdict: Verdict, { filled }: ReportTable): Html {
  const { psoft, rival, test } = verdict;
  if (psoft === undefined || rival === undefined)
    return html`<span class="badge badge-open">${filled.cells === 0 ? 'not run yet' : 'not complete yet'}</span>`;
  const leads = psoft.score >= rival.score;
  const tested =
    test === undefined || !('p' in test) ? ', not tested' : test.isSignificant ? '' : ', not significant';
  const text = `${leads ? 'PSOFT ahead' : `behind ${rival.row.method}`}${tested}`;
  return html`<span class="badge ${leads ? 'badge-ahead' : 'badge-behind'}">${text}</span>`;
}

function sentence({ psoft, rival, place, full, floor, share, digits }: Verdict, table: ReportTable): Html {
  if (psoft === undefined || rival === undefined || place === undefined)
    return html`${table.filled.cells === 0 ? 'Nothing is recorded in this profile.' : 'Too little is recorded for a comparison.'} The command below fills ${table.title}.`;
  const trained = ({ parameters }: Standing) =>
    parameters === undefined ? '' : ` with ${formatCount(Math.round(parameters))} trained parameters`;
  const times = psoft.parameters && rival.parameters ? ` ${ratio(rival.parameters / psoft.parameters)}` : '';
  return html`<strong>PSOFT reaches ${score(psoft, digits)}</strong>${trained(psoft)}: ${ordinal(place.at)} of ${place.of} ranked methods. The best rival, ${rival.row.method}, reaches <strong>${score(rival, digits)}</strong>${times}.${
    share !== undefined &&
    html` Of the way from ${floor!.row.method.toLowerCase()} (${floor!.score.toFixed(digits)}) to full fine-tuning (${full!.score.toFixed(digits)}), PSOFT covers ${(100 * share).toFixed(0)} %.`
  }`;
}

function printedSentence({ psoft, rival, digits }: Verdict): Html {
  if (psoft === undefined || rival === undefined) return html`Nothing is recorded in this profile.`;
  return html`Nothing of our own is recorded in this profile yet. <strong>The paper prints ${psoft.score.toFixed(digits)} for PSOFT</strong> and ${rival.score.toFixed(digits)} for the best rival, ${rival.row.method}${
    psoft.parameters !== undefined &&
    rival.parameters !== undefined &&
    `, with ${millions(psoft.parameters)} and ${millions(rival.parameters)} trained parameters`
  }.`;
}

const millions = (count: number) => `${(count / 1e6).toFixed(2)}M`;

function facts(verdict: Verdict, table: ReportTable): [string, string][] {
  const { test, dominatedBy, psoft, rival } = verdict;
  const { seeds, rows, filled, model } = table;
  const tasks = table.columns.filter(({ kind }) => kind === 'score').length;
  const methods = rows.length;
  return [
    [
      'in full',
      `${table.title}: ${plural(methods, 'method')} × ${plural(tasks, 'task')} × ${plural(seeds.length, 'seed')}`,
    ],
    ['filled', `${filled.cells} of ${filled.of} cells${model === undefined ? '' : `, on ${model.name}`}`],
    ...(psoft && rival ? [['against best rival', testText(verdict, test)] as [string, string]] : []),
    ...(psoft?.parameters !== undefined
      ? [
          [
            'for its size',
            dominatedBy.length === 0
              ? 'nothing of its size or smaller scores higher'
              : `${listed(dominatedBy.map(({ row }) => row.method))} ${dominatedBy.length === 1 ? 'scores' : 'score'} higher at its size or below`,
          ] as [string, string],
        ]
      : []),
  ];
}

function testText({ psoft, rival, digits }: Verdict, test: Verdict['test']): string {
  const difference = signed(psoft!.score - rival!.score, digits);
  if (test === undefined) return `${difference}; no test`;
  if (!('p' in test)) return `${difference}; not tested: ${test.notTested}`;
  return `${difference}, p = ${test.p.toFixed(3)} over ${plural(test.n, test.over.slice(0, -1))}: ${test.isSignificant ? 'significant' : 'not significant'}`;
}

/** Every method on one axis: a dot, a bar of its deviation over seeds, its figures beside. */
function ranking({ standings, digits, scoreTitle }: Verdict, whose: string): Html {
  const reach = standings.flatMap(({ score: one, deviation = 0 }) => [one - deviation, one + deviation]);
  const [low, high] = [Math.min(...reach), Math.max(...reach)];
  const at = (value: number) => `${(high === low ? 50 : (100 * (value - low)) / (high - low)).toFixed(1)}%`;
  return html`<figure class="ranking"><figcaption>${capital(scoreTitle)}, ${whose}${standings.some(({ deviation }) => deviation !== undefined) && '; bar: deviation over seeds'}; right: trained parameters</figcaption><ol>${standings.map(
    ({ row, score: one, deviation, parameters }) => {
      const { family } = styleOf(row.key, row.method);
      return html`<li class="family-${family}"><span class="name">${labelOf({ method: row.method, setting: '' })}</span><span class="track" aria-hidden="true">${
        deviation !== undefined &&
        html`<i style="left:${at(one - deviation)};right:calc(100% - ${at(one + deviation)})"></i>`
      }<b style="left:${at(one)}"></b></span><span class="value">${one.toFixed(digits)}</span><span class="count">${parameters === undefined ? '' : shortCount(parameters)}</span></li>`;
    },
  )}</ol></figure>`;
}

function missing(own: readonly ReportTable[]): Html | undefined {
  const open = own.filter(({ filled }) => filled.cells < filled.of);
  if (open.length === 0) return html`<p class="complete">Every cell of its tables is filled.</p>`;
  const cells = open.reduce((sum, { filled }) => sum + filled.of - filled.cells, 0);
  return html`<details><summary>Missing: ${plural(cells, 'cell')} of ${listed(open.map(({ title }) => title))}</summary>${commands(open.flatMap((table) => table.commands))}</details>`;
}

const capital = (text: string) => `${text[0]!.toUpperCase()}${text.slice(1)}`;

const score = ({ score: one, deviation }: Standing, digits: number) =>
  `${one.toFixed(digits)}${deviation === undefined ? '' : ` ± ${deviation.toFixed(digits)}`}`;

const signed = (value: number, digits: number) =>
  `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(digits)}`;

const ratio = (times: number) =>
  Math.abs(times - 1) < 0.05
    ? 'with as many'
    : times >= 1
      ? `with ${times.toFixed(1)} times as many`
      : `with ${(1 / times).toFixed(1)} times fewer`;

const ordinal = (place: number) =>
  ['first', 'second', 'third', 'fourth', 'fifth', 'sixth', 'seventh', 'eighth', 'ninth'][place - 1] ??
  `${place}th`;

/** "13.4k", "2.59M": three digits tell methods apart. */
export function shortCount(count: number): string {
  const [value, unit] = count >= 1e6 ? [count / 1e6, 'M'] : count >= 1e3 ? [count / 1e3, 'k'] : [count, ''];
  return `${unit === '' ? Math.round(value) : value.toPrecision(3)}${unit}`;
}
