/**
 * Segmentations of many units at once. Every place where a piece fits is found once; training then only changes
 * scores and switches pieces off.
 */
export class Lattices {
  readonly #units: readonly string[];
  readonly #counts: Float64Array;
  /** Edges of unit u are those from #first[u] to #first[u + 1], in order of their end. */
  readonly #first: Int32Array;
  readonly #start: Uint8Array;
  readonly #end: Uint8Array;
  readonly #piece: Int32Array;

  /**
   * @param counts unit to weight, every unit shorter than 256
   * @param pieces piece to number
   */
  constructor(counts: ReadonlyMap<string, number>, pieces: ReadonlyMap<string, number>) {
    this.#units = [...counts.keys()];
    this.#counts = Float64Array.from(counts.values());
    const longest = Math.max(...Array.from(pieces.keys(), ({ length }) => length));
    const first = [0];
    const edges: { start: number[]; end: number[]; piece: number[] } = { start: [], end: [], piece: [] };
    for (const unit of this.#units) {
      if (unit.length > 255)
        throw new Error(`a unit of ${unit.length} characters is too long to segment: ${unit}`);
      for (let end = 1; end <= unit.length; end++)
        for (let start = Math.max(0, end - longest); start < end; start++) {
          const piece = pieces.get(unit.slice(start, end));
          if (piece === undefined) continue;
          edges.start.push(start);
          edges.end.push(end);
          edges.piece.push(piece);
        }
      first.push(edges.piece.length);
    }
    this.#first = Int32Array.from(first);
    this.#start = Uint8Array.from(edges.start);
    this.#end = Uint8Array.from(edges.end);
    this.#piece = Int32Array.from(edges.piece);
  }

  /**
   * The E step: how often each piece is expected, over all segmentations weighted by their probability (forward and
   * backward sums).
   * @param scores log-probability per piece, -Infinity for one that is off
   */
  expectedCounts(scores: Float64Array): Float64Array {
    const expected = new Float64Array(scores.length);
    const probabilities = scores.map(Math.exp);
    const forward = new Float64Array(257);
    const backward = new Float64Array(257);
    for (let u = 0; u < this.#units.length; u++) {
      const length = this.#units[u]!.length;
      const [from, to] = [this.#first[u]!, this.#first[u + 1]!];
      forward.fill(0, 0, length + 1);
      backward.fill(0, 0, length + 1);
      forward[0] = 1;
      backward[length] = 1;
      for (let e = from; e < to; e++)
        forward[this.#end[e]!]! += forward[this.#start[e]!]! * probabilities[this.#piece[e]!]!;
      for (let e = to - 1; e >= from; e--)
        backward[this.#start[e]!]! += backward[this.#end[e]!]! * probabilities[this.#piece[e]!]!;
      const weight = this.#counts[u]! / forward[length]!;
      for (let e = from; e < to; e++)
        expected[this.#piece[e]!]! +=
          weight * forward[this.#start[e]!]! * probabilities[this.#piece[e]!]! * backward[this.#end[e]!]!;
    }
    return expected;
  }

  /** How often each piece stands in the best segmentations. */
  bestCounts(scores: Float64Array): Float64Array {
    const counts = new Float64Array(scores.length);
    for (let u = 0; u < this.#units.length; u++)
      for (const piece of this.best(u, scores) ?? []) counts[piece]! += this.#counts[u]!;
    return counts;
  }

  /**
   * The most probable segmentation of a unit.
   * @param without a piece that may not be used
   * @returns piece numbers, last first; undefined when there is none
   */
  best(unit: number, scores: Float64Array, without = -1): number[] | undefined {
    const length = this.#units[unit]!.length;
    const score = new Float64Array(length + 1).fill(Number.NEGATIVE_INFINITY);
    const edge = new Int32Array(length + 1);
    score[0] = 0;
    for (let e = this.#first[unit]!; e < this.#first[unit + 1]!; e++) {
      if (this.#piece[e] === without) continue;
      const candidate = score[this.#start[e]!]! + scores[this.#piece[e]!]!;
      const end = this.#end[e]!;
      if (candidate <= score[end]!) continue;
      score[end] = candidate;
      edge[end] = e;
    }
    if (score[length] === Number.NEGATIVE_INFINITY) return undefined;
    const pieces: number[] = [];
    for (let at = length; at > 0; at = this.#start[edge[at]!]!) pieces.push(this.#piece[edge[at]!]!);
    return pieces;
  }
}
