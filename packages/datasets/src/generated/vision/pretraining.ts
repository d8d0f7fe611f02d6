/** The task that the tiny vision model is pre-trained on: what it sees, of which colour, and where. */
import { RandomStream } from '@psoft/engine';
import { figure, hue, plain, render } from './canvas.ts';
import { FIGURES, PATTERNS } from './outlines.ts';
import { type LabelledImage, Painter } from './tasks.ts';

const COLOURS = 6;
const QUARTERS = 4;

/** Figure, colour and quarter of the picture, all at once. */
export const PRETRAINING_CLASSES = FIGURES.length * COLOURS * QUARTERS;

/**
 * Pictures of one batch: a figure at any angle in front of a pattern.
 * @param at of the batch: each has pictures of its own
 */
export function pretrainingImages(seed: number, at: number, count: number, size: number): LabelledImage[] {
  const rng = RandomStream.from(seed, 'vision', 'pretraining', String(at));
  const s = new Painter(rng);
  return Array.from({ length: count }, (): LabelledImage => {
    const [kind, colour, quarter] = [
      rng.integer(FIGURES.length),
      rng.integer(COLOURS),
      rng.integer(QUARTERS),
    ];
    const place = {
      x: (quarter % 2 === 0 ? 0.28 : 0.72) + s.between(-0.14, 0.14),
      y: (quarter < 2 ? 0.28 : 0.72) + s.between(-0.14, 0.14),
      size: s.between(0.14, 0.26),
      angle: s.between(0, 2 * Math.PI),
    };
    const tint = hue(colour, COLOURS, s.between(0.5, 0.6));
    const light = s.between(0.1, 0.9);
    const [a, b] = [light, light + s.between(-0.2, 0.2)].map((one) => [one, one, one] as const);
    const ground =
      rng.integer(2) === 0
        ? plain(a!)
        : s.pattern(rng.integer(PATTERNS.length), s.between(1.5, 6), s.between(0, Math.PI), a!, b!);
    return {
      image: render([figure(FIGURES[kind]!, place, tint), ground], size, rng),
      label: (kind * COLOURS + colour) * QUARTERS + quarter,
    };
  });
}
