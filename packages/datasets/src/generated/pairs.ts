/**
 * Generated pair tasks in the form of GLUE's: similarity, paraphrase, questions that ask the same, answers and
 * entailment. Labels follow from the texts by a rule, which the tests state again. They prove a pipeline; they are no
 * measure of a model's English.
 */
import type { TextExample, TextSplit } from '../text.ts';
import { type Draw, drawSplits, type SplitSizes } from './draw.ts';
import {
  active,
  changeScene,
  drawScene,
  drawSlots,
  passive,
  placeFirst,
  type Scene,
  SLOTS,
} from './scene.ts';
import { type Speaker, sentence } from './speaker.ts';

type Splits = { readonly train: TextSplit; readonly dev: TextSplit };

const pair = (text: string, textPair: string, label: number): TextExample => ({
  text: sentence(text),
  textPair: sentence(textPair),
  label,
});

/** In turn, so that classes are balanced. */
const turn = (at: number, classes: number) => at % classes;

/** The scene itself, or one that differs from it in every word. */
const sameOrOther = (s: Speaker, scene: Scene, isSame: boolean): Scene =>
  isSame ? scene : changeScene(s, scene, SLOTS);

/** Similarity from 0 to 5, as STS-B's: 5 times the share of words that two scenes have in common. */
const similarity: Draw = (s, at) => {
  const scene = drawScene(s);
  const changed = turn(at, SLOTS.length + 1);
  const second = changeScene(s, scene, drawSlots(s, changed));
  return pair(active(scene), active(second), 5 - (5 * changed) / SLOTS.length);
};

/** Paraphrase, as MRPC's: 1 where the second sentence tells the first one's scene in the passive. */
const paraphrase: Draw = (s, at) => {
  const label = turn(at, 2);
  const scene = drawScene(s);
  return pair(active(scene), passive(sameOrOther(s, scene, label === 1)), label);
};

/** Questions that ask the same, as QQP's. */
const sameQuestion: Draw = (s, at) => {
  const label = turn(at, 2);
  const scene = drawScene(s);
  const { who, did, what, where } = scene;
  const second = sameOrOther(s, scene, label === 1);
  return {
    text: `Did the ${who} ${did.base} the ${what} near the ${where}?`,
    textPair: `Was the ${second.what} ${second.did.participle} by the ${second.who} near the ${second.where}?`,
    label,
  };
};

/** Whether a sentence answers a question, as QNLI's: 0 it does, 1 it does not. */
const answers: Draw = (s, at) => {
  const label = turn(at, 2);
  const scene = drawScene(s);
  const { who, did, what } = scene;
  const told = sameOrOther(s, scene, label === 0);
  return {
    text: `Where did the ${who} ${did.base} the ${what}?`,
    textPair: sentence(active({ ...told, where: scene.where })),
    label,
  };
};

/** Entailment of two classes, as RTE's: 0 it follows, 1 it does not. */
const entailment: Draw = (s, at) => {
  const label = turn(at, 2);
  const scene = drawScene(s);
  return pair(active(scene), following(s, sameOrOther(s, scene, label === 0)), label);
};

/** Entailment of three classes, as MNLI's: 0 it follows, 1 nobody knows, 2 it cannot be. */
const inference =
  (premise: (scene: Scene) => string): Draw =>
  (s, at) => {
    const label = turn(at, 3);
    const scene = drawScene(s);
    const { who, did, what } = sameOrOther(s, scene, label !== 1);
    const says = label === 2 ? `did not ${did.base}` : did.past;
    return pair(premise(scene), `the ${who} ${says} the ${what}`, label);
  };

/** What follows from a scene: it in another form, or without its place. */
function following(s: Speaker, scene: Scene): string {
  const { who, did, what } = scene;
  return s.one([
    passive(scene),
    placeFirst(scene),
    `the ${who} ${did.past} the ${what}`,
    `the ${what} was ${did.participle} by the ${who}`,
  ]);
}

const task =
  (name: string, draw: Draw) =>
  (seed: number, sizes: SplitSizes): Splits =>
    drawSplits(name, seed, sizes, draw);

export const generateSimilarity = task('similarity', similarity);
export const generateParaphrase = task('paraphrase', paraphrase);
export const generateQuestions = task('questions', sameQuestion);
export const generateAnswers = task('answers', answers);
export const generateEntailment = task('entailment', entailment);

/** Matched: premises told as in training; mismatched: with the place first, as MNLI's second set is of other genres. */
export function generateInference(
  seed: number,
  sizes: SplitSizes,
): Splits & { readonly mismatched: TextSplit } {
  const { train, dev } = sizes;
  const matched = drawSplits('inference', seed, { train, dev }, inference(active));
  return { ...matched, ...drawSplits('inference', seed, { mismatched: dev }, inference(placeFirst)) };
}
