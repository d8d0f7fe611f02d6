/** Small pictures from functions of the plane, anti-aliased, without any graphics library. */
import type { RandomStream } from '@psoft/engine';
import type { Image } from '../../images/pixels.ts';

/** Red, green, blue from 0 to 1. */
export type Colour = readonly [number, number, number];

/** What is seen at a point of the unit square, x to the right and y down; undefined where the layer is transparent. */
export type Layer = (x: number, y: number) => Colour | undefined;

/** Points of a pixel that are looked at, in each direction. */
const SAMPLES = 2;
/** Deviation of the noise that every pixel gets, as a camera would: of 1. */
const NOISE = 0.02;

/** @param layers the topmost first; the last must be opaque */
export function render(layers: readonly Layer[], size: number, rng: RandomStream): Image {
  const data = new Uint8Array(size * size * 3);
  for (let row = 0; row < size; row++)
    for (let column = 0; column < size; column++) {
      const sum = [0, 0, 0];
      for (let i = 0; i < SAMPLES * SAMPLES; i++) {
        const x = (column + ((i % SAMPLES) + 0.5) / SAMPLES) / size;
        const y = (row + (Math.floor(i / SAMPLES) + 0.5) / SAMPLES) / size;
        const colour = seenAt(layers, x, y);
        for (let channel = 0; channel < 3; channel++) sum[channel]! += colour[channel]!;
      }
      const noise = NOISE * rng.normal();
      for (let channel = 0; channel < 3; channel++) {
        const value = sum[channel]! / (SAMPLES * SAMPLES) + noise;
        data[(row * size + column) * 3 + channel] = Math.round(255 * Math.min(1, Math.max(0, value)));
      }
    }
  return { width: size, height: size, data };
}

function seenAt(layers: readonly Layer[], x: number, y: number): Colour {
  for (const layer of layers) {
    const colour = layer(x, y);
    if (colour !== undefined) return colour;
  }
  throw new Error(`no layer is opaque at (${x}, ${y}): the last one must be`);
}

/** One of `count` colours round the circle of hues, told apart easily up to about twenty. */
export function hue(index: number, count: number, lightness = 0.55): Colour {
  const angle = (2 * Math.PI * index) / count;
  const part = (shift: number) => lightness + 0.42 * Math.cos(angle + shift);
  return [part(0), part((-2 * Math.PI) / 3), part((2 * Math.PI) / 3)];
}

export const grey = (value: number): Colour => [value, value, value];

/** The same colour everywhere. */
export const plain =
  (colour: Colour): Layer =>
  () =>
    colour;

/** Where an outline stands. Angles in radians. */
export interface Placement {
  readonly x: number;
  readonly y: number;
  /** Half the width. */
  readonly size: number;
  readonly angle?: number;
}

/** Whether a point of the outline's own plane is inside; it fills about [-1, 1]. */
export type Outline = (u: number, v: number) => boolean;

/** A filled outline. */
export function figure(outline: Outline, { x, y, size, angle = 0 }: Placement, colour: Colour): Layer {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return (px, py) => {
    const [dx, dy] = [(px - x) / size, (py - y) / size];
    return outline(cos * dx + sin * dy, cos * dy - sin * dx) ? colour : undefined;
  };
}
