/**
 * A generated acceptability task in the form of CoLA: grammatical English sentences and minimally broken ones, over
 * several phenomena, in the manner of BLiMP (Warstadt et al. 2020). It needs no download and proves a pipeline; it is
 * no measure of a model's English.
 */
import { RandomStream } from '@psoft/engine';
import type { TextExample, TextSplit } from '../text.ts';
import type { SplitSizes } from './draw.ts';
import * as words from './lexicon.ts';
import { other, present, Speaker, sentence } from './speaker.ts';

/** A grammatical sentence and its broken twin. */
export interface MinimalPair {
  readonly phenomenon: string;
  readonly good: string;
  readonly bad: string;
}

type Phenomenon = (s: Speaker) => readonly [good: string, bad: string];

const PHENOMENA: Readonly<Record<string, Phenomenon>> = {
  /** "The sailors sleep." / "The sailors sleeps." */
  subjectVerbAgreement: (s) => {
    const [number, verb] = [s.number(), s.one(words.INTRANSITIVE)];
    const subject = s.person(number);
    return [`${subject} ${present(verb, number)}`, `${subject} ${present(verb, other(number))}`];
  },
  /** The noun next to the verb has the other number. */
  agreementWithDistractor: (s) => {
    const [number, verb] = [s.number(), s.one(words.INTRANSITIVE)];
    const near = s.theNoun(s.one(words.THINGS), other(number));
    const subject = `${s.person(number)} ${s.one(words.PREPOSITIONS)} ${near}`;
    return [`${subject} ${present(verb, number)}`, `${subject} ${present(verb, other(number))}`];
  },
  /** "these ships" / "these ship" */
  determinerNounAgreement: (s) => {
    const number = s.number();
    const determiner = s.one(number === 'singular' ? ['this', 'that'] : ['these', 'those']);
    const thing = s.one(words.THINGS);
    const start = `${s.person()} ${s.one(words.TRANSITIVE).past} ${determiner}`;
    return [`${start} ${thing[number]}`, `${start} ${thing[other(number)]}`];
  },
  /** "The queen saw herself." / "The queen saw himself." */
  anaphorGender: (s) => {
    const person = s.one(words.PEOPLE.filter(({ gender }) => gender !== undefined));
    const start = `${s.theNoun(person, 'singular')} ${s.one(words.REFLEXIVE).past}`;
    const pair = [`${start} himself`, `${start} herself`] as const;
    return person.gender === 'male' ? pair : [pair[1], pair[0]];
  },
  /** "The sisters saw themselves." / "The sisters saw herself." */
  anaphorNumber: (s) => {
    const person = s.one(words.PEOPLE.filter(({ gender }) => gender !== undefined));
    const number = s.number();
    const start = `${s.theNoun(person, number)} ${s.one(words.REFLEXIVE).past}`;
    const alone = person.gender === 'male' ? 'himself' : 'herself';
    const [one, many] = [`${start} ${alone}`, `${start} themselves`];
    return number === 'singular' ? [one, many] : [many, one];
  },
  /** "has taken" / "has took" */
  pastParticiple: (s) => {
    const verb = s.one(words.TRANSITIVE.filter(({ past, participle }) => past !== participle));
    const number = s.number();
    const start = `${s.person(number)} ${number === 'singular' ? 'has' : 'have'}`;
    const object = s.thing();
    return [`${start} ${verb.participle} ${object}`, `${start} ${verb.past} ${object}`];
  },
  /** "The man slept." / "The man slept the ship." */
  intransitiveWithObject: (s) => {
    const good = `${s.person()} ${s.one(words.INTRANSITIVE).past}`;
    return [good, `${good} ${s.thing()}`];
  },
  /** "The man took the ship." / "The man took." */
  transitiveWithoutObject: (s) => {
    const bad = `${s.person()} ${s.one(words.NEEDING_OBJECT).past}`;
    return [`${bad} ${s.thing()}`, bad];
  },
  /** "No sailor has ever slept." / "The sailor has ever slept." */
  negativePolarity: (s) => {
    const who = `${s.chance() ? `${s.one(words.ADJECTIVES)} ` : ''}${s.one(words.PEOPLE).singular}`;
    const rest = `${who} has ever ${s.one(words.INTRANSITIVE).participle}`;
    return [`no ${rest}`, `${s.one(['the', 'this', 'some'])} ${rest}`];
  },
  /** "They know what the man found." / "They know what the man found the ship." */
  filledGap: (s) => {
    const speaker = s.one(words.SPEAKERS);
    const good = `${speaker} ${s.one(['know', 'remember', 'forget'])} what ${s.person()} ${s.one(words.TRANSITIVE).past}`;
    return [good, `${good} ${s.thing()}`];
  },
  /** "There was a ship near the house." / "There was every ship near the house." */
  existentialQuantifier: (s) => {
    const rest = `${s.one(words.THINGS).singular} ${s.one(words.PREPOSITIONS)} ${s.thing()}`;
    return [
      `there was ${s.one(['no', 'one', 'some'])} ${rest}`,
      `there was ${s.one(['every', 'each'])} ${rest}`,
    ];
  },
  /** "The man will go." / "The man will goes." */
  modalWithBase: (s) => {
    const start = `${s.person()} ${s.one(['will', 'must', 'can', 'should'])}`;
    const verb = s.one(words.INTRANSITIVE);
    return [`${start} ${verb.base}`, `${start} ${verb.thirdPerson}`];
  },
  /** "the old man" / "old the man" */
  adjectiveOrder: (s) => {
    const [adjective, person] = [s.one(words.ADJECTIVES), s.one(words.PEOPLE)[s.number()]];
    const rest = `${s.one(words.TRANSITIVE).past} ${s.thing()}`;
    return [`the ${adjective} ${person} ${rest}`, `${adjective} the ${person} ${rest}`];
  },
  /** "She saw him." / "Her saw him." */
  pronounCase: (s) => {
    const [subject, object] = s.one([
      ['he', 'him'],
      ['she', 'her'],
      ['they', 'them'],
      ['we', 'us'],
    ] as const);
    const rest = `${s.one(words.TRANSITIVE).past} ${s.thing()}`;
    return [`${subject} ${rest}`, `${object} ${rest}`];
  },
};

export const PHENOMENON_NAMES = Object.keys(PHENOMENA);

/** Draws one pair of a phenomenon. */
export function drawPair(phenomenon: string, rng: RandomStream): MinimalPair {
  const [good, bad] = PHENOMENA[phenomenon]!(new Speaker(rng));
  return { phenomenon, good: sentence(good), bad: sentence(bad) };
}

/** Draws in a row that gave nothing new, after which a phenomenon counts as used up. */
const MAX_MISSES = 1000;

/**
 * The splits, decided by `seed`. Only one sentence of each pair is used, so that no split holds the twin of one of its
 * own or another split's sentences; labels are balanced within a phenomenon up to one sentence.
 * @throws when the grammar cannot make that many different sentences
 */
export function generateAcceptability(
  seed: number,
  sizes: SplitSizes = { train: 4000, dev: 1000 },
): { train: TextSplit; dev: TextSplit } {
  const seen = new Set<string>();
  const make = (split: string, count: number): TextSplit => {
    const rng = RandomStream.from(seed, 'acceptability', split);
    const examples: TextExample[] = [];
    let misses = 0;
    while (examples.length < count) {
      if (misses > MAX_MISSES)
        throw new Error(`the grammar has too few sentences for ${count} of ${split}: ask for fewer`);
      const at = examples.length;
      const pair = drawPair(PHENOMENON_NAMES[at % PHENOMENON_NAMES.length]!, rng);
      if (seen.has(pair.good) || seen.has(pair.bad)) {
        misses++;
        continue;
      }
      misses = 0;
      seen.add(pair.good).add(pair.bad);
      const label = Math.floor(at / PHENOMENON_NAMES.length) % 2;
      examples.push({ text: label === 1 ? pair.good : pair.bad, label });
    }
    rng.shuffle(examples);
    return { source: `generated acceptability, seed ${seed}, ${split}`, examples };
  };
  return { train: make('train', sizes.train), dev: make('dev', sizes.dev) };
}
