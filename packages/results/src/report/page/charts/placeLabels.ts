/** Names beside marks, where they lie on nothing else. In pixels of the plot, for a fixed size of type. */

export interface Mark {
  readonly label: string;
  readonly x: number;
  readonly y: number;
  /** Of the mark itself. */
  readonly radius: number;
  /** Placed before the others, and bold. */
  readonly isOurs: boolean;
}

export interface PlacedLabel {
  readonly label: string;
  readonly x: number;
  readonly y: number;
  readonly align: 'left' | 'right' | 'center';
  readonly isOurs: boolean;
}

const HEIGHT = 12;
/** Of one letter at 11 pixels; wide enough for every sans-serif. */
const LETTER = 6.3;

export interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

const SIDES = [
  'right',
  'left',
  'above',
  'below',
  'upper right',
  'lower right',
  'upper left',
  'lower left',
] as const;

export interface Plot {
  readonly width: number;
  readonly height: number;
  /** On the right of the plot, which names may use. */
  readonly margin: number;
  /** Lines that names should not lie on. */
  readonly taken: readonly Box[];
}

/**
 * Greedy: of the eight places round a mark the one that covers least, the first of equals. A name with no free place is
 * still shown.
 */
export function placeLabels(
  marks: readonly Mark[],
  { width, height, margin, taken: lines }: Plot,
): PlacedLabel[] {
  const own = marks.map(({ x, y, radius }) => ({
    left: x - radius,
    right: x + radius,
    top: y - radius,
    bottom: y + radius,
  }));
  const taken = [...own, ...lines];
  const order = [...marks].sort((a, b) => Number(b.isOurs) - Number(a.isOurs) || a.y - b.y);
  return order.map((mark) => {
    const candidates = SIDES.map((side) => candidate(mark, side));
    const costs = candidates.map(({ box }) => {
      const outside =
        Math.max(0, -box.left) +
        Math.max(0, box.right - width - margin) +
        Math.max(0, -box.top) +
        Math.max(0, box.bottom - height);
      return 20 * outside + taken.reduce((sum, other) => sum + overlap(box, other), 0);
    });
    const { box, placed } = candidates[costs.indexOf(Math.min(...costs))]!;
    taken.push(box);
    return placed;
  });
}

function candidate(
  { label, x, y, radius, isOurs }: Mark,
  side: (typeof SIDES)[number],
): { box: Box; placed: PlacedLabel } {
  const width = label.length * LETTER;
  const isRight = side.endsWith('right');
  const isLeft = side.endsWith('left');
  const align = isRight ? 'left' : isLeft ? 'right' : 'center';
  const away = side.includes(' ') ? radius * 0.6 : radius;
  const at = { x: isRight ? x + away + 3 : isLeft ? x - away - 3 : x, y };
  if (side === 'above' || side.startsWith('upper')) at.y = y - away - HEIGHT / 2;
  if (side === 'below' || side.startsWith('lower')) at.y = y + away + HEIGHT / 2;
  const left = align === 'left' ? at.x : align === 'right' ? at.x - width : at.x - width / 2;
  return {
    box: { left, right: left + width, top: at.y - HEIGHT / 2, bottom: at.y + HEIGHT / 2 },
    placed: { label, ...at, align, isOurs },
  };
}

function overlap(a: Box, b: Box): number {
  const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  return wide > 0 && high > 0 ? wide * high : 0;
}
