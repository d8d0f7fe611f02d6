/** A solid seen from around and above, as small-NORB's toys on their turntable. */
import { type Colour, grey, type Layer } from './canvas.ts';

type Vector = readonly [number, number, number];

const dot = (a: Vector, b: Vector) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

/** Half the edges of a box that is longer than wide, with a smaller one at its front end: no turn leaves it the same. */
const BOXES: readonly { readonly center: Vector; readonly half: Vector; readonly shade: number }[] = [
  { center: [0, 0, 0], half: [0.32, 0.18, 0.12], shade: 0 },
  { center: [0.2, 0, 0.19], half: [0.1, 0.14, 0.08], shade: 0.25 },
];

/**
 * @param azimuth of the camera round the upright axis, radians
 * @param elevation of the camera above the table, radians
 * @param scale 1 fills about two thirds of the picture
 */
export function boxLayers(azimuth: number, elevation: number, scale: number): Layer[] {
  const [ca, sa, ce, se] = [Math.cos(azimuth), Math.sin(azimuth), Math.cos(elevation), Math.sin(elevation)];
  // From the object to the camera, and the picture's own directions.
  const toCamera: Vector = [ca * ce, sa * ce, se];
  const right: Vector = [-sa, ca, 0];
  const up: Vector = [-ca * se, -sa * se, ce];
  const scene = (x: number, y: number): Colour | undefined => {
    const [px, py] = [(x - 0.5) / (scale * 0.85), (0.5 - y) / (scale * 0.85)];
    const from: Vector = [0, 1, 2].map(
      (i) => px * right[i]! + py * up[i]! + 2 * toCamera[i]!,
    ) as unknown as Vector;
    let nearest = Number.POSITIVE_INFINITY;
    let colour: Colour | undefined;
    for (const { center, half, shade } of BOXES) {
      const hit = meet(from, toCamera, center, half);
      if (hit === undefined || hit.distance >= nearest) continue;
      nearest = hit.distance;
      // Light from the upper left of the table.
      const light = 0.35 + 0.45 * Math.max(0, dot(hit.normal, [0.3, -0.5, 0.81]));
      colour = grey(Math.min(1, light + shade));
    }
    return colour;
  };
  return [scene];
}

/** Where a ray towards -`toCamera` enters a box (the slab method). */
function meet(
  from: Vector,
  toCamera: Vector,
  center: Vector,
  half: Vector,
): { distance: number; normal: Vector } | undefined {
  let [enter, leave] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  let normal: Vector = [0, 0, 1];
  for (let axis = 0; axis < 3; axis++) {
    const step = -toCamera[axis]!;
    const offset = center[axis]! - from[axis]!;
    if (Math.abs(step) < 1e-9) {
      if (Math.abs(offset) > half[axis]!) return undefined;
      continue;
    }
    const near = (offset - Math.sign(step) * half[axis]!) / step;
    const far = (offset + Math.sign(step) * half[axis]!) / step;
    if (near > enter) {
      enter = near;
      normal = [0, 1, 2].map((i) => (i === axis ? -Math.sign(step) : 0)) as unknown as Vector;
    }
    leave = Math.min(leave, far);
  }
  return enter < leave && enter > 0 ? { distance: enter, normal } : undefined;
}
