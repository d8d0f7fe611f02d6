/**
 * Scenes: who did what to what, where. Told in several ways, and changed in one place or more, they give the pair tasks
 * of the tiny profile. Words are few, so that a small model can learn to compare them.
 */
import type { Speaker } from './speaker.ts';

export interface Scene {
  readonly who: string;
  readonly did: Deed;
  readonly what: string;
  readonly where: string;
}

export interface Deed {
  readonly base: string;
  readonly past: string;
  readonly participle: string;
}

export const SLOTS = ['who', 'did', 'what', 'where'] as const;
export type Slot = (typeof SLOTS)[number];

const deed = (base: string, past: string, participle = past): Deed => ({ base, past, participle });

const WORDS = {
  who: ['captain', 'sailor', 'king', 'child', 'woman', 'officer'],
  did: [
    deed('find', 'found'),
    deed('take', 'took', 'taken'),
    deed('see', 'saw', 'seen'),
    deed('break', 'broke', 'broken'),
    deed('leave', 'left'),
    deed('bring', 'brought'),
  ],
  what: ['boat', 'book', 'letter', 'gold', 'fish', 'money'],
  where: ['house', 'river', 'island', 'city', 'school', 'fire'],
} as const satisfies Record<Slot, readonly unknown[]>;

export function drawScene(s: Speaker): Scene {
  return { who: s.one(WORDS.who), did: s.one(WORDS.did), what: s.one(WORDS.what), where: s.one(WORDS.where) };
}

/** The same scene with other words in the places named. */
export function changeScene(s: Speaker, scene: Scene, slots: readonly Slot[]): Scene {
  const changed = slots.map((slot) => [slot, s.another<unknown>(WORDS[slot], scene[slot])]);
  return { ...scene, ...Object.fromEntries(changed) };
}

/** `count` different places. */
export function drawSlots(s: Speaker, count: number, from: readonly Slot[] = SLOTS): Slot[] {
  const left = [...from];
  return Array.from({ length: count }, () => left.splice(left.indexOf(s.one(left)), 1)[0]!);
}

/** "the captain found the boat near the river" */
export const active = ({ who, did, what, where }: Scene): string =>
  `the ${who} ${did.past} the ${what} near the ${where}`;
/** "the boat was found by the captain near the river" */
export const passive = ({ who, did, what, where }: Scene): string =>
  `the ${what} was ${did.participle} by the ${who} near the ${where}`;
/** "near the river the captain found the boat" */
export const placeFirst = ({ who, did, what, where }: Scene): string =>
  `near the ${where} the ${who} ${did.past} the ${what}`;
