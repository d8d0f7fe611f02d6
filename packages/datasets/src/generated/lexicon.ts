/** Words of the generated sentences: common ones, which a tokenizer trained on old prose knows too. */

export interface Noun {
  readonly singular: string;
  readonly plural: string;
  /** For people only. */
  readonly gender?: 'male' | 'female';
}

export interface Verb {
  readonly base: string;
  readonly thirdPerson: string;
  readonly past: string;
  readonly participle: string;
}

const noun = (singular: string, plural = `${singular}s`, gender?: Noun['gender']): Noun =>
  gender === undefined ? { singular, plural } : { singular, plural, gender };
const verb = (base: string, thirdPerson: string, past: string, participle = past): Verb => ({
  base,
  thirdPerson,
  past,
  participle,
});

export const PEOPLE: readonly Noun[] = [
  noun('man', 'men', 'male'),
  noun('king', 'kings', 'male'),
  noun('father', 'fathers', 'male'),
  noun('brother', 'brothers', 'male'),
  noun('son', 'sons', 'male'),
  noun('boy', 'boys', 'male'),
  noun('husband', 'husbands', 'male'),
  noun('woman', 'women', 'female'),
  noun('queen', 'queens', 'female'),
  noun('mother', 'mothers', 'female'),
  noun('sister', 'sisters', 'female'),
  noun('daughter', 'daughters', 'female'),
  noun('girl', 'girls', 'female'),
  noun('wife', 'wives', 'female'),
  noun('captain'),
  noun('sailor'),
  noun('soldier'),
  noun('stranger'),
  noun('friend'),
  noun('officer'),
  noun('servant'),
  noun('merchant'),
  noun('carpenter'),
  noun('citizen'),
];

export const THINGS: readonly Noun[] = [
  noun('ship'),
  noun('boat'),
  noun('house'),
  noun('door'),
  noun('letter'),
  noun('book'),
  noun('table'),
  noun('lamp'),
  noun('rope'),
  noun('knife', 'knives'),
  noun('coat'),
  noun('hat'),
  noun('chair'),
  noun('horse'),
  noun('dog'),
  noun('bird'),
  noun('tree'),
  noun('river'),
  noun('island'),
  noun('city', 'cities'),
];

/** Take an object, and cannot do without one. */
export const NEEDING_OBJECT: readonly Verb[] = [
  verb('take', 'takes', 'took', 'taken'),
  verb('find', 'finds', 'found'),
  verb('bring', 'brings', 'brought'),
  verb('carry', 'carries', 'carried'),
  verb('discover', 'discovers', 'discovered'),
  verb('receive', 'receives', 'received'),
];

/** Take an object: {@link NEEDING_OBJECT}, and some that may stand alone too ("the boy hid"). */
export const TRANSITIVE: readonly Verb[] = [
  ...NEEDING_OBJECT,
  verb('follow', 'follows', 'followed'),
  verb('choose', 'chooses', 'chose', 'chosen'),
  verb('hide', 'hides', 'hid', 'hidden'),
  verb('break', 'breaks', 'broke', 'broken'),
  verb('see', 'sees', 'saw', 'seen'),
  verb('give up', 'gives up', 'gave up', 'given up'),
];

/** Take no object. */
export const INTRANSITIVE: readonly Verb[] = [
  verb('sleep', 'sleeps', 'slept'),
  verb('arrive', 'arrives', 'arrived'),
  verb('fall', 'falls', 'fell', 'fallen'),
  verb('go', 'goes', 'went', 'gone'),
  verb('come', 'comes', 'came', 'come'),
  verb('die', 'dies', 'died'),
  verb('laugh', 'laughs', 'laughed'),
  verb('rise', 'rises', 'rose', 'risen'),
  verb('remain', 'remains', 'remained'),
  verb('appear', 'appears', 'appeared'),
  verb('wait', 'waits', 'waited'),
];

/** Verbs whose object may be the subject itself. */
export const REFLEXIVE: readonly Verb[] = [
  verb('see', 'sees', 'saw', 'seen'),
  verb('hide', 'hides', 'hid', 'hidden'),
  verb('love', 'loves', 'loved'),
  verb('forget', 'forgets', 'forgot', 'forgotten'),
  verb('know', 'knows', 'knew', 'known'),
  verb('save', 'saves', 'saved'),
];

export const ADJECTIVES = [
  'old',
  'young',
  'great',
  'little',
  'poor',
  'strange',
  'good',
  'quiet',
  'famous',
  'strong',
];
export const PREPOSITIONS = ['near', 'behind', 'beside', 'under', 'before'];
export const SPEAKERS = ['I', 'we', 'they'];
