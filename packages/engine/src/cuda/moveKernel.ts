/** Copies of boxes, as many as there are, in one kernel: ONNX Runtime sends a table to the card for each of them. */
import { sizeOf } from '../ir/graph.ts';
import { coalesced, isFilled, type Move } from '../ir/moves.ts';
import type { OnnxType } from '../onnx/proto.ts';
import {
  C_TYPE,
  contiguous,
  ELEMENT_BYTES,
  type KernelSource,
  literal,
  narrowed,
  placeOf,
  store,
  THREADS,
} from './kernelSource.ts';

export interface MoveKernel {
  readonly moves: readonly Move[];
}

type Output = KernelSource['outputs'][number];

/** What a thread copies at once, by its bytes. */
const WORDS: Readonly<Record<number, string>> = {
  16: 'uint4',
  8: 'uint2',
  4: 'unsigned',
  2: 'unsigned short',
};
const MOST_BYTES = 16;
const LANES = [8, 4, 2, 1];

/** Moves that differ in their tensors and offsets alone. */
interface Alike {
  readonly moves: readonly Move[];
  readonly from: OnnxType | undefined;
  readonly to: OnnxType;
  readonly lanes: number;
}

/** @param inputs types of the inputs, as they are stored; numbers of 16 bits may become float32, and the reverse */
export function moveKernel(
  given: readonly Move[],
  inputs: readonly OnnxType[],
  outputs: readonly Output[],
): KernelSource {
  const moves = given.filter(({ dims }) => sizeOf(dims) > 0).map(coalesced);
  const lines = ['  unsigned block = blockIdx.x;'];
  let blocks = 0;
  for (const alike of grouped(moves, inputs, outputs)) {
    const size = sizeOf(alike.moves[0]!.dims);
    const each = Math.ceil(size / alike.lanes / THREADS);
    const all = each * alike.moves.length;
    lines.push(
      `  if (block < ${all}u) {`,
      ...copyOf(alike, size, each),
      '    return;',
      '  }',
      `  block -= ${all}u;`,
    );
    blocks += all;
  }
  return { body: `${lines.join('\n')}\n`, inputs, outputs, blocks, threads: THREADS, meaning: { moves } };
}

function grouped(moves: readonly Move[], inputs: readonly OnnxType[], outputs: readonly Output[]): Alike[] {
  const groups = new Map<string, Move[]>();
  for (const move of moves) {
    const { dims, from, to } = move;
    const source = isFilled(move) ? from : [(from as { strides: unknown }).strides, typeOf(move, inputs)];
    const key = JSON.stringify([dims, source, to.strides, outputs[to.tensor]!.type]);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, [move]);
    else known.push(move);
  }
  return [...groups.values()].map((alike): Alike => {
    const from = typeOf(alike[0]!, inputs);
    const to = outputs[alike[0]!.to.tensor]!.type;
    return { moves: alike, from, to, lanes: Math.min(...alike.map((move) => lanesOf(move, from, to))) };
  });
}

function typeOf({ from }: Move, inputs: readonly OnnxType[]): OnnxType | undefined {
  return typeof from === 'number' ? undefined : inputs[from.tensor]!;
}

/** How many elements that stand together, on both sides, a thread can take at once. */
function lanesOf({ dims, from, to }: Move, fromType: OnnxType | undefined, toType: OnnxType): number {
  const places = typeof from === 'number' ? [to] : [from, to];
  const isRun = places.every(({ strides }) => (strides.at(-1) ?? 1) === 1);
  if (!isRun) return 1;
  // A change of type takes four elements or one.
  const isSame = fromType === undefined || fromType === toType;
  const bytes = isSame ? ELEMENT_BYTES[toType]! : 4;
  const fits = (lanes: number) =>
    lanes * bytes <= MOST_BYTES &&
    (isSame || lanes !== 2) &&
    (dims.at(-1) ?? 1) % lanes === 0 &&
    places.every(
      ({ offset, strides }) =>
        offset % lanes === 0 && strides.slice(0, -1).every((stride) => stride % lanes === 0),
    );
  return LANES.find(fits)!;
}

function copyOf({ moves, from, to, lanes }: Alike, size: number, each: number): string[] {
  const [first] = moves as [Move];
  const lines = [
    ...(moves.length > 1 ? [`    const unsigned which = block / ${each}u;`] : []),
    `    const unsigned at = (block % ${each}u * ${THREADS}u + threadIdx.x) * ${lanes}u;`,
    `    if (at >= ${size}u) return;`,
  ];
  /** Declares what may differ between the moves, and says what it is for each. */
  const choose = (type: string, name: string, of: (move: Move) => string) => {
    lines.push(`    ${type} ${name} = ${of(first)};`);
    moves.forEach((move, i) => {
      if (of(move) !== of(first)) lines.push(`    if (which == ${i}u) ${name} = ${of(move)};`);
    });
  };
  choose(`${C_TYPE[to]}*`, 'y', (move) => `o${move.to.tensor} + ${move.to.offset}u`);
  const target = placeOf({ dims: first.dims, strides: first.to.strides }, 'at');
  if (isFilled(first)) {
    const value = narrowed(literal(first.from), to);
    lines.push(`    _Pragma("unroll") for (unsigned k = 0; k < ${lanes}u; ++k) y[${target} + k] = ${value};`);
    return lines;
  }
  const placed = (move: Move) => move.from as Exclude<Move['from'], number>;
  choose(
    `const ${C_TYPE[from!]}* __restrict__`,
    'x',
    (move) => `i${placed(move).tensor} + ${placed(move).offset}u`,
  );
  const source = placeOf({ dims: first.dims, strides: placed(first).strides }, 'at');
  if (from === to) {
    const word = WORDS[lanes * ELEMENT_BYTES[to]!]!;
    lines.push(
      `    *reinterpret_cast<${word}*>(y + ${target}) = *reinterpret_cast<const ${word}*>(x + ${source});`,
    );
  } else {
    lines.push(...contiguous('v', 'x', from!, source, lanes), store('v', 'y', to, target, lanes));
  }
  return lines;
}
