/** The inside of a `Moved` node: boxes of elements that are copied from tensors to others, or filled. */

/** Where the elements of a box stand in a tensor: those of coordinates c at `offset` + the sum of c times `strides`. */
export interface Place {
  /** The number of an input, or of an output. */
  readonly tensor: number;
  readonly offset: number;
  readonly strides: readonly number[];
}

export interface Move {
  readonly dims: readonly number[];
  /** A number is the value of every element. */
  readonly from: Place | number;
  readonly to: Place;
}

export class Moves {
  constructor(
    readonly list: readonly Move[],
    readonly outputs: readonly (readonly number[])[],
  ) {}

  /** Attributes are compared and printed as JSON. */
  toJSON(): unknown {
    return [this.list.map(({ dims, from, to }) => [dims, from, to]), this.outputs];
  }
}

export function isFilled(move: Move): move is Move & { readonly from: number } {
  return typeof move.from === 'number';
}

/** Strides of the elements of a tensor that lies in one piece. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = shape.map(() => 1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = strides[i + 1]! * shape[i + 1]!;
  return strides;
}

/** The same move with as few dimensions as will do. */
export function coalesced({ dims, from, to }: Move): Move {
  const given = typeof from === 'number' ? [to.strides] : [to.strides, from.strides];
  const kept: number[] = [];
  const strides: number[][] = given.map(() => []);
  for (let i = dims.length - 1; i >= 0; i--) {
    const dim = dims[i]!;
    if (dim === 1) continue;
    const joins = kept.length > 0 && given.every((own, which) => own[i] === strides[which]![0]! * kept[0]!);
    if (joins) kept[0]! *= dim;
    else {
      kept.unshift(dim);
      given.forEach((own, which) => {
        strides[which]!.unshift(own[i]!);
      });
    }
  }
  const [toStrides, fromStrides] = strides as [number[], number[]];
  return {
    dims: kept,
    from: typeof from === 'number' ? from : { ...from, strides: fromStrides },
    to: { ...to, strides: toStrides },
  };
}
