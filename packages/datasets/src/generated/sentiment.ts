/** A generated sentiment task in the form of SST-2: 1 praise, 0 blame, with negation and contrast. */
import type { TextSplit } from '../text.ts';
import { type Draw, drawSplits, type SplitSizes } from './draw.ts';
import { type Speaker, sentence } from './speaker.ts';

const PRAISE = [
  'good',
  'great',
  'fine',
  'noble',
  'wise',
  'happy',
  'beautiful',
  'excellent',
  'strong',
  'true',
];
const BLAME = ['bad', 'poor', 'evil', 'wrong', 'dark', 'terrible', 'cruel', 'false', 'weak', 'vain'];
const SUBJECTS = [
  'story',
  'book',
  'voyage',
  'speech',
  'plan',
  'work',
  'message',
  'picture',
  'song',
  'play',
] as const;
const DEGREES = ['', 'very ', 'most ', 'so '];

/** "very good", or "not bad": what it says is decided by both words. */
function judgement(s: Speaker, isPraise: boolean): string {
  if (s.one([true, false, false])) return `not ${s.one(isPraise ? BLAME : PRAISE)}`;
  return `${s.one(DEGREES)}${s.one(isPraise ? PRAISE : BLAME)}`;
}

/** Of "X, but Y" and "though Y, X" the main clause counts. */
const draw: Draw = (s, at) => {
  const label = at % 2;
  const [first, second] = [s.one(SUBJECTS), s.one(SUBJECTS)];
  const says = judgement(s, label === 1);
  const text = s.one([
    () => `the ${first} was ${says}`,
    () =>
      `it was a ${s.one(label === 1 ? PRAISE : BLAME)} ${first} with a ${s.one(label === 1 ? PRAISE : BLAME)} ${second}`,
    () => `the ${first} was ${judgement(s, label === 0)}, but the ${second} is ${says}`,
    () => `though the ${first} was ${judgement(s, label === 0)}, the ${second} is ${says}`,
  ])();
  return { text: sentence(text), label };
};

export function generateSentiment(seed: number, sizes: SplitSizes): { train: TextSplit; dev: TextSplit } {
  return drawSplits('sentiment', seed, sizes, draw);
}
