/**
 * The 19 tasks of VTAB-1K (Zhai et al. 2019) as generated pictures: as many classes, and classes of the same kind. dSprites,
 * Clevr and small-NORB are drawings anyway and are drawn alike, coarsely; photographs are replaced by figures, patterns
 * and scenes whose class shows in the same way. They prove a pipeline; scores say nothing about VTAB.
 */
import { RandomStream } from '@psoft/engine';
import type { Image } from '../../images/pixels.ts';
import { type Colour, figure, grey, hue, type Layer, type Placement, plain, render } from './canvas.ts';
import { arrow, digit, disc, ellipse, FIGURES, heart, PATTERNS, polygon, square, star } from './outlines.ts';
import { boxLayers } from './solid.ts';

export const VISION_GROUPS = ['natural', 'specialized', 'structured'] as const;
export type VisionGroup = (typeof VISION_GROUPS)[number];

export interface VisionTask {
  /** As in the paper's Table 3. */
  readonly title: string;
  readonly group: VisionGroup;
  readonly classes: number;
  draw(s: Painter, label: number): readonly Layer[];
}

/** Draws numbers and the parts that several tasks have. */
export class Painter {
  constructor(readonly rng: RandomStream) {}
  between(low: number, high: number): number {
    return low + (high - low) * this.rng.uniform();
  }
  one<T>(list: readonly T[]): T {
    return list[this.rng.integer(list.length)]!;
  }
  /** A dull background, lighter or darker from picture to picture. */
  ground(): Layer {
    const light = this.between(0.25, 0.75);
    const slope = this.between(-0.2, 0.2);
    return (x, y) => grey(light + slope * (x + y - 1));
  }
  place(size: readonly [number, number] = [0.22, 0.36], margin = 0.35): Placement {
    return {
      x: this.between(margin, 1 - margin),
      y: this.between(margin, 1 - margin),
      size: this.between(...size),
    };
  }
  /** A pattern of one kind, in two colours. */
  pattern(kind: number, frequency: number, angle: number, a: Colour, b: Colour): Layer {
    return PATTERNS[kind]!(a, b, frequency, angle, this.between(0, 2 * Math.PI));
  }
}

/** Places that keep a distance from one another. */
function scattered(s: Painter, count: number, size: number): Placement[] {
  const places: Placement[] = [];
  for (let tries = 0; places.length < count && tries < 2000; tries++) {
    const place = { x: s.between(size, 1 - size), y: s.between(size, 1 - size), size };
    // After many misses a smaller distance has to do.
    const distance = size * (tries < 400 ? 2.1 : 1.6);
    if (places.every(({ x, y }) => Math.hypot(x - place.x, y - place.y) > distance)) places.push(place);
  }
  return places;
}

/** A road that runs to the horizon, with something on it the nearer the larger. */
function road(s: Painter, nearness: number, colour: Colour): Layer[] {
  const size = 0.05 + 0.2 * nearness;
  const y = 0.45 + 0.4 * nearness;
  const x = 0.5 + s.between(-0.08, 0.08);
  return [
    figure(square, { x, y: y - size * 0.6, size }, colour),
    (px, py) => (py > 0.4 && Math.abs(px - 0.5) < 0.05 + 0.75 * (py - 0.4) ? grey(0.35) : undefined),
    (_, py) => (py > 0.4 ? [0.3, 0.5, 0.25] : [0.6, 0.75, 0.9]),
  ];
}

const figureTask =
  (colours: number, size?: readonly [number, number]) =>
  (s: Painter, label: number): Layer[] => {
    const outline = FIGURES[Math.floor(label / colours)]!;
    const place = { ...s.place(size), angle: s.between(-0.3, 0.3) };
    return [figure(outline, place, hue(label % colours, colours)), s.ground()];
  };

const patternTask =
  (angles: number) =>
  (s: Painter, label: number): Layer[] => {
    const kind = label % PATTERNS.length;
    const rest = Math.floor(label / PATTERNS.length);
    const angle = (Math.PI * (rest % angles)) / angles + s.between(-0.08, 0.08);
    const frequency = 3 + 2.5 * Math.floor(rest / angles);
    const tint = hue(s.rng.integer(12), 12);
    return [s.pattern(kind, frequency, angle, tint, grey(s.between(0.1, 0.25)))];
  };

export const VISION_TASKS = {
  cifar: { title: 'CIFAR-100', group: 'natural', classes: 100, draw: figureTask(10) },
  caltech101: { title: 'Caltech101', group: 'natural', classes: 102, draw: figureTask(6, [0.28, 0.34]) },
  dtd: { title: 'DTD', group: 'natural', classes: 47, draw: patternTask(4) },
  flowers102: {
    title: 'Flowers102',
    group: 'natural',
    classes: 102,
    /** Number of petals and their colour. */
    draw: (s, label) => {
      const place = { ...s.place([0.32, 0.42], 0.45), angle: s.between(0, 2 * Math.PI) };
      return [
        figure(disc, { ...place, size: 0.08 }, [0.95, 0.8, 0.2]),
        figure(star(3 + Math.floor(label / 17), 0.65), place, hue(label % 17, 17)),
        s.pattern(3, 5, s.between(0, 3), [0.15, 0.35, 0.15], [0.2, 0.45, 0.2]),
      ];
    },
  },
  pets: {
    title: 'Pets',
    group: 'natural',
    classes: 37,
    /** Form of the ears, and coat. */
    draw: (s, label) => {
      const { x, y } = s.place([0.3, 0.3], 0.42);
      const ears = [polygon(3), disc, ellipse, square][label % 4]!;
      const coat = hue(Math.floor(label / 4), 10, 0.45);
      const eye = (side: number) => figure(disc, { x: x + 0.1 * side, y: y - 0.03, size: 0.035 }, grey(0.05));
      const ear = (side: number) =>
        figure(ears, { x: x + 0.2 * side, y: y - 0.24, size: 0.14, angle: 0.3 * side }, coat);
      return [eye(-1), eye(1), figure(disc, { x, y, size: 0.27 }, coat), ear(-1), ear(1), s.ground()];
    },
  },
  svhn: {
    title: 'SVHN',
    group: 'natural',
    classes: 10,
    /** The digit in the middle, between parts of others. */
    draw: (s, label) => {
      const ink = hue(s.rng.integer(12), 12, 0.75);
      const at = (x: number, value: number) =>
        figure(
          digit(value),
          { x, y: 0.5 + s.between(-0.06, 0.06), size: 0.26, angle: s.between(-0.12, 0.12) },
          ink,
        );
      return [
        at(0.5, label),
        at(0.04, s.rng.integer(10)),
        at(0.96, s.rng.integer(10)),
        plain(hue(s.rng.integer(12), 12, 0.25)),
      ];
    },
  },
  sun397: {
    title: 'Sun397',
    group: 'natural',
    classes: 397,
    /** Sky, land and what the land is like. */
    draw: (s, label) => {
      const [kind, sky, land] = [label % 5, Math.floor(label / 5) % 10, Math.floor(label / 50)];
      const horizon = s.between(0.35, 0.55);
      const field = s.pattern(kind, 5, 0, hue(land, 8, 0.3), hue(land, 8, 0.45));
      return [(x, y) => (y > horizon ? field(x, y) : undefined), plain(hue(sky, 10, 0.65))];
    },
  },
  patch_camelyon: {
    title: 'Camelyon',
    group: 'specialized',
    classes: 2,
    /** Whether a dark nucleus lies in the middle of the cells. */
    draw: (s, label) => {
      const cells = scattered(s, 9, 0.11).map((place) => figure(disc, place, [0.75, 0.5, 0.75]));
      const tumour = { x: s.between(0.4, 0.6), y: s.between(0.4, 0.6), size: 0.1 };
      const elsewhere = { x: s.one([0.1, 0.9]), y: s.between(0.1, 0.9), size: 0.1 };
      return [
        figure(disc, label === 1 ? tumour : elsewhere, [0.3, 0.1, 0.4]),
        ...cells,
        plain([0.9, 0.75, 0.88]),
      ];
    },
  },
  eurosat: {
    title: 'EuroSAT',
    group: 'specialized',
    classes: 10,
    draw: (s, label) => {
      const kind = label % PATTERNS.length;
      const [a, b] = label < 5 ? [hue(4, 12, 0.3), hue(5, 12, 0.4)] : [grey(0.5), hue(1, 12, 0.5)];
      return [s.pattern(kind, 4, s.between(0, Math.PI), a!, b!)];
    },
  },
  resisc45: { title: 'Resisc45', group: 'specialized', classes: 45, draw: patternTask(3) },
  diabetic_retinopathy: {
    title: 'Retinopathy',
    group: 'specialized',
    classes: 5,
    /** Graded by the number of lesions. */
    draw: (s, label) => {
      const lesions = scattered(s, 3 * label, 0.055).map(({ x, y, size }) =>
        figure(disc, { x: 0.2 + 0.6 * x, y: 0.2 + 0.6 * y, size: size * 0.7 }, [0.35, 0.05, 0.05]),
      );
      return [...lesions, figure(disc, { x: 0.5, y: 0.5, size: 0.46 }, [0.85, 0.45, 0.2]), plain(grey(0.03))];
    },
  },
  clevr_count: {
    title: 'Clevr-Count',
    group: 'structured',
    classes: 8,
    /** From three objects to ten. */
    draw: (s, label) => {
      const objects = scattered(s, label + 3, 0.1).map((place) =>
        figure(s.one([disc, square, polygon(3)]), place, hue(s.rng.integer(8), 8)),
      );
      return [...objects, s.ground()];
    },
  },
  clevr_distance: {
    title: 'Clevr-Dist',
    group: 'structured',
    classes: 6,
    /** How near the nearest object is: it shows by its size. */
    draw: (s, label) => {
      const near = 0.3 - 0.045 * label;
      const others = scattered(s, 3, 0.045).map((place) => figure(disc, place, hue(s.rng.integer(8), 8)));
      const place = { x: s.between(0.3, 0.7), y: s.between(0.3, 0.7), size: near + s.between(-0.008, 0.008) };
      return [figure(s.one([disc, square]), place, hue(s.rng.integer(8), 8)), ...others, s.ground()];
    },
  },
  dmlab: {
    title: 'DMLab',
    group: 'structured',
    classes: 6,
    /** Distance of an object in a corridor, and whether it is worth fetching. */
    draw: (s, label) =>
      road(s, (label % 3) / 2.2 + s.between(-0.04, 0.04), label < 3 ? [0.2, 0.8, 0.3] : [0.85, 0.2, 0.2]),
  },
  kitti: {
    title: 'KITTI-Dist',
    group: 'structured',
    classes: 4,
    /** Distance of the nearest vehicle, or none. */
    draw: (s, label) => {
      const colour = hue(s.rng.integer(10), 10, 0.4);
      const layers = road(s, label / 3 + s.between(-0.05, 0.05), colour);
      return label === 3 ? layers.slice(1) : layers;
    },
  },
  dsprites_location: {
    title: 'dSpr-Loc',
    group: 'structured',
    classes: 16,
    /** Sixteen steps from left to right. */
    draw: (s, label) => {
      const x = 0.14 + (0.72 * (label + s.between(0.25, 0.75))) / 16;
      const place = { x, y: s.between(0.2, 0.8), size: s.between(0.09, 0.14), angle: s.between(0, 6.28) };
      return [figure(s.one([square, ellipse, heart]), place, grey(1)), plain(grey(0))];
    },
  },
  dsprites_orientation: {
    title: 'dSpr-Ori',
    group: 'structured',
    classes: 16,
    /** Sixteen steps of a full turn. */
    draw: (s, label) => {
      const angle = (2 * Math.PI * (label + s.between(-0.2, 0.2))) / 16;
      return [figure(arrow, { ...s.place([0.25, 0.35]), angle }, grey(1)), plain(grey(0))];
    },
  },
  smallnorb_azimuth: {
    title: 'sNORB-Azim',
    group: 'structured',
    classes: 18,
    draw: (s, label) => {
      const azimuth = (2 * Math.PI * (label + s.between(-0.2, 0.2))) / 18;
      return [...boxLayers(azimuth, s.between(0.5, 1), s.between(0.9, 1.1)), s.ground()];
    },
  },
  smallnorb_elevation: {
    title: 'sNORB-Ele',
    group: 'structured',
    classes: 9,
    draw: (s, label) => {
      const elevation = 0.15 + (1.25 * (label + s.between(-0.2, 0.2))) / 9;
      return [...boxLayers(s.between(0, 2 * Math.PI), elevation, s.between(0.9, 1.1)), s.ground()];
    },
  },
} as const satisfies Readonly<Record<string, VisionTask>>;

export type VisionTaskName = keyof typeof VISION_TASKS;
export const VISION_TASK_NAMES = Object.keys(VISION_TASKS) as VisionTaskName[];

/** What VTAB's classes count or say, where it is no list of things; else their numbers. */
export function classNames(task: VisionTaskName): string[] {
  const { classes } = VISION_TASKS[task];
  const name: Partial<Record<VisionTaskName, (label: number) => string>> = {
    patch_camelyon: (label) => ['normal', 'tumour'][label]!,
    clevr_count: (label) => `${label + 3} objects`,
    diabetic_retinopathy: (label) => `grade ${label}`,
  };
  return Array.from({ length: classes }, (_, label) => (name[task] ?? String)(label));
}

export interface LabelledImage {
  readonly image: Image;
  readonly label: number;
}

/**
 * Pictures of one split: labels in turn, so that classes are balanced up to one, then shuffled.
 * @param size width and height in pixels
 */
export function generateImages(
  task: VisionTaskName,
  seed: number,
  split: string,
  count: number,
  size: number,
): LabelledImage[] {
  const { classes, draw } = VISION_TASKS[task] as VisionTask;
  const rng = RandomStream.from(seed, 'vision', task, split);
  const s = new Painter(rng);
  // Where there are more classes than pictures, each split has others.
  const first = rng.integer(classes);
  const images = Array.from({ length: count }, (_, i): LabelledImage => {
    const label = (first + i) % classes;
    return { image: render(draw(s, label), size, rng), label };
  });
  rng.shuffle(images);
  return images;
}
