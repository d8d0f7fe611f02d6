/** The inside of a `Fused` node: element-wise computations on tensors of one size, done in one pass over memory. */
import type { Attributes } from './graph.ts';

/** Where a step's operand comes from. */
export type Operand =
  | { readonly kind: 'step'; readonly step: number; readonly output: number }
  | { readonly kind: 'constant'; readonly value: number }
  /** An input of the node; element i of the region is its element at `index` of i. */
  | { readonly kind: 'input'; readonly input: number; readonly index: Index }
  /** Rows of `table` [any, width] that stand in `rows`, one after the other: element i is in row i / width of them. */
  | { readonly kind: 'rows'; readonly table: number; readonly rows: number; readonly width: number };

/** Of an element of the region, counted through `dims`: `offset`, if any, and the sum of its coordinates times `strides`. */
export interface Index {
  readonly dims: readonly number[];
  readonly strides: readonly number[];
  readonly offset?: number;
}

export interface Step {
  /** A kernel's name. */
  readonly op: string;
  readonly attrs: Attributes;
  readonly operands: readonly Operand[];
}

export interface RegionOutput {
  readonly step: number;
  readonly output: number;
  readonly shape: readonly number[];
  /** The numbers are of a 16-bit type, and are stored in it where the device multiplies such. */
  readonly half?: 'bf16' | 'f16';
}

let made = 0;

export class Region {
  readonly #id = made++;

  constructor(
    /** Elements of every step's output. */
    readonly size: number,
    readonly steps: readonly Step[],
    readonly outputs: readonly RegionOutput[],
  ) {}

  /** Attributes are compared and printed as JSON; no two regions are the same. */
  toJSON(): string {
    return `region ${this.#id}: ${this.steps.map(({ op }) => op).join(' ')}`;
  }
}

/** How a tensor of shape `from` is read for one of shape `to` that it is broadcast to, with as few dimensions as will do. */
export function broadcastIndex(from: readonly number[], to: readonly number[]): Index {
  const dims: number[] = [];
  const strides: number[] = [];
  let stride = 1;
  for (let back = 1; back <= to.length; back++) {
    const dim = to.at(-back)!;
    if (dim === 1) continue;
    const own = back <= from.length ? from.at(-back)! : 1;
    const step = own === 1 ? 0 : stride;
    const isSame = dims.length > 0 && step === (strides[0] === 0 ? 0 : strides[0]! * dims[0]!);
    if (isSame) dims[0]! *= dim;
    else {
      dims.unshift(dim);
      strides.unshift(step);
    }
    if (own !== 1) stride *= dim;
  }
  return { dims, strides };
}

/** Whether element i is read at place i. */
export function isLinear({ dims, strides, offset = 0 }: Index): boolean {
  if (offset !== 0) return false;
  return dims.length === 0 || (dims.length === 1 && strides[0] === 1);
}
