import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  generateImages,
  type LabelledImage,
  VISION_GROUPS,
  VISION_TASK_NAMES,
  VISION_TASKS,
} from './tasks.ts';

/** Of VTAB's tasks, in the order of the paper's Table 3. */
const CLASSES = [100, 102, 47, 102, 37, 10, 397, 2, 10, 45, 5, 8, 6, 6, 4, 16, 16, 18, 9];

test('tasks, groups and classes are VTAB’s', () => {
  const tasks = Object.values(VISION_TASKS);
  expect(tasks.map(({ classes }) => classes)).toEqual(CLASSES);
  expect(VISION_GROUPS.map((name) => tasks.filter(({ group }) => group === name).length)).toEqual([7, 4, 8]);
});

const hash = (images: readonly LabelledImage[]) => {
  const sum = createHash('sha256');
  for (const { image, label } of images) sum.update(image.data).update(String(label));
  return sum.digest('hex').slice(0, 8);
};

describe.each(VISION_TASK_NAMES)('%s', (task) => {
  const { classes } = VISION_TASKS[task];
  const images = generateImages(task, 1, 'train', 40, 16);

  test('labels are balanced, and every class can be drawn', () => {
    const counts = new Map<number, number>();
    for (const { label } of generateImages(task, 1, 'all', classes, 8))
      counts.set(label, (counts.get(label) ?? 0) + 1);
    expect([...counts.keys()].sort((a, b) => a - b)).toEqual(Array.from({ length: classes }, (_, i) => i));
    for (const { image, label } of images) {
      expect([image.width, image.height, image.data.length]).toEqual([16, 16, 16 * 16 * 3]);
      expect(label).toBeLessThan(classes);
    }
  });
  test('seed and split decide the pictures', () => {
    expect(hash(generateImages(task, 1, 'train', 40, 16))).toBe(hash(images));
    expect(hash(generateImages(task, 2, 'train', 40, 16))).not.toBe(hash(images));
    expect(hash(generateImages(task, 1, 'test', 40, 16))).not.toBe(hash(images));
  });
  test('pictures of a class are more alike than pictures of two', () => {
    // The mean squared difference after blurring: the class must show through place, turn and noise. The rest of the
    // tasks vary within a class by design (colours, places), as counting has it.
    if (!SHOWS_IN_PIXELS.has(task)) return;
    const many = generateImages(task, 3, 'train', Math.min(6, classes) * 40, 8).filter(
      ({ label }) => label < 200,
    );
    const [same, different] = [new Mean(), new Mean()];
    for (const [i, a] of many.entries())
      for (const b of many.slice(i + 1, i + 60)) (a.label === b.label ? same : different).add(distance(a, b));
    expect(different.value).toBeGreaterThan(same.value * 1.02);
  });
});

const SHOWS_IN_PIXELS = new Set([
  'svhn',
  'patch_camelyon',
  'eurosat',
  'dmlab',
  'kitti',
  'diabetic_retinopathy',
  'dsprites_location',
  'dsprites_orientation',
]);

class Mean {
  #sum = 0;
  #count = 0;
  add(value: number): void {
    this.#sum += value;
    this.#count++;
  }
  get value(): number {
    return this.#sum / this.#count;
  }
}

function distance(a: LabelledImage, b: LabelledImage): number {
  return a.image.data.reduce((sum, value, i) => sum + (value - b.image.data[i]!) ** 2, 0);
}
