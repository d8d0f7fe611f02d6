/**
 * Word problems of one to three calculations. Most are put together from a beginning, changes and a question; some tell
 * of ages, wages, pages and the like.
 */
import type { RandomStream } from '@psoft/engine';
import { MathSpeaker } from './speaker.ts';
import { type Step, Tale } from './tale.ts';

export interface Story {
  readonly question: string;
  readonly steps: readonly Step[];
  readonly answer: number;
  /** What the answer counts: "apples". */
  readonly unit: string;
}

type Part = (t: Tale) => void;

const MOST_STEPS = 3;

/** Someone has some things. */
const BEGINNINGS: readonly Part[] = [
  (t) => {
    t.value = t.s.between(5, 60);
    t.say(`${t.name} has ${t.value} ${t.things}.`);
  },
  (t) => {
    const [count, size] = [t.s.between(2, 9), t.s.between(2, 12)];
    t.say(
      t.s.one([
        `${t.name} has ${count} ${t.containers} of ${size} ${t.things}.`,
        `${t.name} has ${count} ${t.containers} with ${size} ${t.things} in each ${t.container}.`,
      ]),
    );
    t.value = t.step(`The ${t.containers} hold `, count, '*', size);
  },
  (t) => {
    const [first, second] = [t.s.between(4, 50), t.s.between(4, 45)];
    t.say(`${t.name} finds ${first} ${t.things} on Monday and ${second} on Tuesday.`);
    t.value = t.step(`${t.name} finds `, first, '+', second);
  },
  (t) => {
    const [theirs, times] = [t.s.between(3, 30), t.s.between(2, 5)];
    const often = times === 2 ? 'twice' : `${times} times`;
    t.say(`${t.friend} has ${theirs} ${t.things}. ${t.name} has ${often} as many.`);
    t.value = t.step(`${t.name} has `, theirs, '*', times);
  },
  (t) => {
    const [theirs, more] = [t.s.between(5, 50), t.s.between(3, 40)];
    t.say(`${t.friend} has ${theirs} ${t.things}. ${t.name} has ${more} more than ${t.friend}.`);
    t.value = t.step(`${t.name} has `, theirs, '+', more);
  },
  (t) => {
    const [theirs, fewer] = [t.s.between(10, 90), t.s.between(3, 50)];
    t.say(`${t.friend} has ${theirs} ${t.things}. ${t.name} has ${fewer} fewer than ${t.friend}.`);
    t.value = t.step(`${t.name} has `, theirs, '-', fewer);
  },
];

/** The number of things changes. */
const CHANGES: readonly Part[] = [
  (t) => {
    const more = t.s.between(3, 45);
    t.say(t.s.one([`${t.He} buys ${more} more.`, `${t.friend} gives ${t.name} ${more} more.`]));
    t.value = t.step(`Then ${t.name} has `, t.value, '+', more);
  },
  (t) => {
    const fewer = t.s.between(3, 50);
    t.say(t.s.one([`${t.He} gives ${fewer} to ${t.friend}.`, `${t.He} loses ${fewer} of them.`]));
    t.value = t.step(`Then ${t.name} has `, t.value, '-', fewer);
  },
  (t) => {
    t.say(t.s.one([`${t.He} sells half of them.`, `${t.He} gives half of them away.`]));
    t.value = t.step('That leaves ', t.value, '/', 2);
  },
  (t) => {
    const [count, size] = [t.s.between(2, 6), t.s.between(2, 9)];
    t.say(`${t.He} buys ${count} ${t.containers} of ${size} ${t.things}.`);
    const bought = t.step(`${t.name} buys `, count, '*', size);
    t.value = t.step(`Then ${t.name} has `, t.value, '+', bought);
  },
];

/** What is asked. */
const QUESTIONS: readonly Part[] = [
  (t) =>
    t.say(
      t.s.one([
        `How many ${t.things} does ${t.name} have now?`,
        `How many ${t.things} does ${t.he} have in the end?`,
      ]),
    ),
  (t) => {
    const friends = t.s.between(2, 9);
    t.say(`${t.He} shares them equally among ${friends} friends. How many does each friend get?`);
    t.value = t.step('Each friend gets ', t.value, '/', friends);
  },
  (t) => {
    const size = t.s.between(2, 9);
    t.say(`${t.He} puts ${size} ${t.things} in each bag. How many bags does ${t.he} need?`);
    t.unit = 'bags';
    t.value = t.step(`${t.name} needs `, t.value, '/', size);
  },
  (t) => {
    const price = t.s.between(2, 9);
    t.say(`${t.He} sells them for $${price} each. How many dollars does ${t.he} get?`);
    t.unit = 'dollars';
    t.value = t.step(`${t.name} gets `, t.value, '*', price);
  },
  (t) => {
    const theirs = t.s.between(4, 45);
    t.say(`${t.friend} has ${theirs} ${t.things}. How many do they have together?`);
    t.value = t.step('Together they have ', t.value, '+', theirs);
  },
  (t) => {
    const wanted = t.s.between(20, 99);
    t.say(`How many more ${t.things} does ${t.he} need to have ${wanted}?`);
    t.value = t.step(`${t.name} needs `, wanted, '-', t.value, ` more ${t.things}`);
  },
];

const compose: Part = (t) => {
  t.s.one(BEGINNINGS)(t);
  for (let changes = t.s.between(0, 2); changes > 0; changes--) t.s.one(CHANGES)(t);
  t.s.one(QUESTIONS)(t);
};

const OTHERS: readonly Part[] = [
  (t) => {
    const [age, older, years] = [t.s.between(4, 40), t.s.between(2, 20), t.s.between(2, 20)];
    t.say(`${t.name} is ${age} years old. ${t.friend} is ${older} years older.`);
    t.say(`How old will ${t.friend} be in ${years} years?`);
    t.unit = 'years';
    const now = t.step(`${t.friend} is `, age, '+', older, ' years old now');
    t.value = t.step(`Later ${t.friend} will be `, now, '+', years, ' years old');
  },
  (t) => {
    const [wage, first, second] = [t.s.between(3, 9), t.s.between(2, 7), t.s.between(2, 7)];
    t.say(
      `${t.name} earns $${wage} an hour. ${t.He} works ${first} hours on Monday and ${second} on Friday.`,
    );
    t.say(`How many dollars does ${t.he} earn?`);
    t.unit = 'dollars';
    const hours = t.step(`${t.name} works `, first, '+', second, ' hours');
    t.value = t.step(`${t.name} earns `, hours, '*', wage);
  },
  (t) => {
    const [count, price] = [t.s.between(2, 8), t.s.between(2, 9)];
    const paid = t.s.one([20, 30, 40, 50, 60, 80]);
    t.say(`${t.name} buys ${count} ${t.things} for $${price} each. ${t.He} pays with $${paid}.`);
    t.say(`How many dollars does ${t.he} get back?`);
    t.unit = 'dollars';
    const cost = t.step(`The ${t.things} cost `, count, '*', price);
    t.value = t.step(`${t.name} gets back `, paid, '-', cost);
  },
  (t) => {
    const [pages, daily, days] = [t.s.between(30, 99), t.s.between(3, 12), t.s.between(2, 7)];
    t.say(`A book has ${pages} pages. ${t.name} reads ${daily} pages a day for ${days} days.`);
    t.say('How many pages are left?');
    t.unit = 'pages';
    const read = t.step(`${t.name} reads `, daily, '*', days);
    t.value = t.step('There are ', pages, '-', read, ' pages left');
  },
  (t) => {
    const [rows, seats, taken] = [t.s.between(3, 9), t.s.between(4, 11), t.s.between(5, 60)];
    t.say(`A hall has ${rows} rows of ${seats} seats. ${taken} seats are taken. How many seats are free?`);
    t.unit = 'seats';
    const all = t.step('The hall has ', rows, '*', seats);
    t.value = t.step('There are ', all, '-', taken, ' free seats');
  },
  (t) => {
    const [boys, girls, size] = [t.s.between(5, 40), t.s.between(5, 40), t.s.between(2, 9)];
    t.say(`There are ${boys} boys and ${girls} girls in a school. They form teams of ${size}.`);
    t.say('How many teams are there?');
    t.unit = 'teams';
    const children = t.step('There are ', boys, '+', girls, ' children');
    t.value = t.step('They form ', children, '/', size);
  },
  (t) => {
    const [speed, hours, more] = [t.s.between(4, 30), t.s.between(2, 6), t.s.between(3, 30)];
    t.say(`A cart goes ${speed} miles an hour for ${hours} hours and then ${more} miles more.`);
    t.say('How many miles does it go?');
    t.unit = 'miles';
    const first = t.step('At first it goes ', speed, '*', hours);
    t.value = t.step('In all it goes ', first, '+', more);
  },
  (t) => {
    const [daily, weeks, spent] = [t.s.between(1, 4), t.s.between(2, 4), t.s.between(3, 30)];
    t.say(`${t.name} saves $${daily} a day for ${weeks} weeks. Then ${t.he} spends $${spent}.`);
    t.say(`How many dollars does ${t.he} have left?`);
    t.unit = 'dollars';
    const days = t.step(`${weeks} weeks are `, weeks, '*', 7, ' days');
    const saved = daily === 1 ? days : t.step(`${t.name} saves `, days, '*', daily);
    t.value = t.step(`${t.name} has `, saved, '-', spent, ' dollars left');
  },
];

/** Draws until a problem has whole numbers in range and one to three steps. */
export function drawStory(rng: RandomStream): Story {
  const speaker = new MathSpeaker(rng);
  // Chosen once: those that seldom come out whole would be rare otherwise.
  const tell = speaker.between(0, 3) < 3 ? compose : speaker.one(OTHERS);
  for (;;) {
    const tale = new Tale(speaker);
    tell(tale);
    const { steps, fits, unit, value: answer } = tale;
    if (!fits || steps.length === 0 || steps.length > MOST_STEPS) continue;
    return { question: tale.sentences.join(' '), steps, answer, unit };
  }
}
