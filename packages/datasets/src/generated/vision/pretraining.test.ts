import { expect, test } from 'vitest';
import { PRETRAINING_CLASSES, pretrainingImages } from './pretraining.ts';

const draw = (seed: number, at: number) => pretrainingImages(seed, at, 60, 12);

test('seed and batch decide the pictures', () => {
  expect(draw(1, 0)).toEqual(draw(1, 0));
  expect(draw(1, 1)).not.toEqual(draw(1, 0));
  expect(draw(2, 0)).not.toEqual(draw(1, 0));
});

test('the label says in which quarter the figure is: there the pictures differ most from their ground', () => {
  const images = Array.from({ length: 10 }, (_, at) => draw(1, at)).flat();
  let right = 0;
  for (const { image, label } of images) {
    expect(label).toBeLessThan(PRETRAINING_CLASSES);
    // The ground is grey, the figure is coloured.
    const colour = [0, 0, 0, 0];
    for (let y = 0; y < 12; y++)
      for (let x = 0; x < 12; x++) {
        const [r, g, b] = image.data.subarray(3 * (12 * y + x));
        colour[(y < 6 ? 0 : 2) + (x < 6 ? 0 : 1)]! += Math.max(r!, g!, b!) - Math.min(r!, g!, b!);
      }
    if (colour.indexOf(Math.max(...colour)) === label % 4) right++;
  }
  expect(right / images.length).toBeGreaterThan(0.98);
});
