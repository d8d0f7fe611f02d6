/** Outlines of figures and patterns of surfaces. */
import type { Colour, Layer, Outline } from './canvas.ts';

const radius = Math.hypot;

/** A star of `points` points; `depth` 0 is a disc. */
export const star =
  (points: number, depth: number): Outline =>
  (u, v) =>
    radius(u, v) < 1 - depth * (0.5 - 0.5 * Math.cos(points * Math.atan2(v, u)));

/** Regular, standing on a side. */
export const polygon =
  (sides: number): Outline =>
  (u, v) => {
    const sector = (2 * Math.PI) / sides;
    const angle = Math.atan2(u, -v);
    const within = angle - sector * Math.round(angle / sector);
    return radius(u, v) * Math.cos(Math.abs(within) - Math.PI / sides) < Math.cos(Math.PI / sides) * 1.05;
  };

export const disc: Outline = (u, v) => radius(u, v) < 1;
export const ring: Outline = (u, v) => Math.abs(radius(u, v) - 0.75) < 0.25;
export const square: Outline = (u, v) => Math.max(Math.abs(u), Math.abs(v)) < 0.85;
export const cross: Outline = (u, v) =>
  Math.min(Math.abs(u), Math.abs(v)) < 0.3 && Math.max(Math.abs(u), Math.abs(v)) < 1;
export const ellipse: Outline = (u, v) => radius(u, 2 * v) < 1;
export const bar: Outline = (u, v) => Math.abs(u) < 1 && Math.abs(v) < 0.25;
export const crescent: Outline = (u, v) => radius(u, v) < 1 && radius(u - 0.5, v) > 0.85;
export const halfDisc: Outline = (u, v) => radius(u, v) < 1 && v < 0;
/** Points to the right, so that its angle is plain from 0 to 2 pi. */
export const arrow: Outline = (u, v) =>
  (u > 0 && u < 1 && Math.abs(v) < 1 - u) || (u > -1 && u <= 0 && Math.abs(v) < 0.3);
/** dSprites' heart, likewise without symmetry under any turn. */
export const heart: Outline = (u, v) => {
  const [x, y] = [1.2 * v, 1.2 * u + 0.1];
  return (x * x + y * y - 0.6) ** 3 - x * x * y ** 3 < 0;
};

/** Figures that differ at a glance. */
export const FIGURES: readonly Outline[] = [
  disc,
  square,
  polygon(3),
  cross,
  ring,
  star(5, 0.6),
  crescent,
  bar,
  halfDisc,
  polygon(5),
  star(4, 0.7),
  ellipse,
  arrow,
  heart,
  star(8, 0.4),
  star(3, 0.7),
  polygon(6),
];

const SEGMENTS = {
  top: [0, -0.9, true],
  middle: [0, 0, true],
  bottom: [0, 0.9, true],
  upperLeft: [-0.5, -0.45, false],
  upperRight: [0.5, -0.45, false],
  lowerLeft: [-0.5, 0.45, false],
  lowerRight: [0.5, 0.45, false],
} as const;
type Segment = keyof typeof SEGMENTS;
const { top, middle, bottom, upperLeft, upperRight, lowerLeft, lowerRight } = Object.fromEntries(
  Object.keys(SEGMENTS).map((name) => [name, name]),
) as { [Name in Segment]: Name };
const DIGITS: readonly (readonly Segment[])[] = [
  [top, bottom, upperLeft, upperRight, lowerLeft, lowerRight],
  [upperRight, lowerRight],
  [top, middle, bottom, upperRight, lowerLeft],
  [top, middle, bottom, upperRight, lowerRight],
  [middle, upperLeft, upperRight, lowerRight],
  [top, middle, bottom, upperLeft, lowerRight],
  [top, middle, bottom, upperLeft, lowerLeft, lowerRight],
  [top, upperRight, lowerRight],
  [top, middle, bottom, upperLeft, upperRight, lowerLeft, lowerRight],
  [top, middle, bottom, upperLeft, upperRight, lowerRight],
];

/** A figure of seven segments. */
export const digit =
  (value: number): Outline =>
  (u, v) =>
    DIGITS[value]!.some((name) => {
      const [x, y, isLevel] = SEGMENTS[name];
      const [along, across] = isLevel ? [u - x, v - y] : [v - y, u - x];
      return Math.abs(along) < (isLevel ? 0.55 : 0.5) && Math.abs(across) < 0.14;
    });

/** Patterns between two colours: all cover the plane. */
export type Pattern = (a: Colour, b: Colour, frequency: number, angle: number, phase: number) => Layer;

const waves =
  (mix: (p: number, q: number) => boolean): Pattern =>
  (a, b, frequency, angle, phase) => {
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    const turn = 2 * Math.PI * frequency;
    return (x, y) => (mix(turn * (cos * x + sin * y) + phase, turn * (cos * y - sin * x) + phase) ? a : b);
  };

export const PATTERNS: readonly Pattern[] = [
  waves((p) => Math.sin(p) > 0),
  waves((p, q) => Math.sin(p) * Math.sin(q) > 0),
  waves((p, q) => Math.sin(p) + Math.sin(q) > 1),
  waves((p, q) => Math.sin(p + Math.sin(q)) > 0),
  waves((p, q) => Math.max(Math.sin(p), Math.sin(q)) > 0.8),
];
