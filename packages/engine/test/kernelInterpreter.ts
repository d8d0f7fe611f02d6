/** Runs kernels of CUDA C without a card: their expressions, translated to JavaScript, on memory of this process. */
import koffi from 'koffi';
import { ELEMENT_EXPRESSIONS } from '../src/cuda/expressions.ts';
import type { KernelSource, RowKernel } from '../src/cuda/kernelSource.ts';
import type { LogSumKernel } from '../src/cuda/logSumKernel.ts';
import type { MoveKernel } from '../src/cuda/moveKernel.ts';
import type { RotaryKernel } from '../src/cuda/rotaryKernel.ts';
import type { KernelRuntime } from '../src/cuda/runtime.ts';
import type { SoftmaxKernel } from '../src/cuda/softmaxKernel.ts';
import { sizeOf } from '../src/ir/graph.ts';
import { type Index, type Operand, Region } from '../src/ir/region.ts';
import { invertBatch } from '../src/kernels/composite.ts';
import type { CustomOp } from '../src/native/customOps.ts';
import { OnnxType } from '../src/onnx/proto.ts';
import { narrowBf16, narrowF16, widenBf16, widenF16 } from '../src/weights/half.ts';

type Numbers = Float32Array | Int32Array | Uint16Array;

const BYTES: Partial<Record<OnnxType, number>> = {
  [OnnxType.FLOAT]: 4,
  [OnnxType.INT32]: 4,
  [OnnxType.BFLOAT16]: 2,
  [OnnxType.FLOAT16]: 2,
};

/** Series and continued fraction (Abramowitz and Stegun 7.1.5 and 7.1.14), to double precision. */
function erf(x: number): number {
  if (x < 0) return -erf(-x);
  if (x < 2.5) {
    let [term, sum] = [x, x];
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let n = 60; n > 0; n--) fraction = n / 2 / (x + fraction);
  return 1 - Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + fraction);
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const FUNCTIONS = {
  fabsf: Math.abs,
  cosf: Math.cos,
  erff: erf,
  expf: Math.exp,
  logf: Math.log,
  sinf: Math.sin,
  sqrtf: Math.sqrt,
  tanhf: Math.tanh,
  psoft_sigmoid: sigmoid,
  psoft_normal_cdf: (x: number) => 0.5 * erf(x * Math.SQRT1_2) + 0.5,
  psoft_round_bf16: (x: number) => widenBf16(narrowBf16(Float32Array.of(x)))[0]!,
  psoft_round_f16: (x: number) => widenF16(narrowF16(Float32Array.of(x)))[0]!,
};

function translated(expression: string): string {
  return expression
    .replace(/(\d)f\b/g, '$1')
    .replace(/(\d)u\b/g, '$1')
    .replace(/\((?:int|unsigned)\)/g, '')
    .replace(/const float/g, 'const');
}

function functionOf(parameters: readonly string[], body: string): (...args: unknown[]) => unknown {
  const make = new Function(...Object.keys(FUNCTIONS), `return (${parameters.join(', ')}) => { ${body} }`);
  return make(...Object.values(FUNCTIONS)) as (...args: unknown[]) => unknown;
}

function placeOf({ dims, strides, offset = 0 }: Index, at: number): number {
  let [rest, place] = [at, offset];
  for (let i = dims.length - 1; i >= 0; i--) {
    place += (rest % dims[i]!) * strides[i]!;
    rest = Math.floor(rest / dims[i]!);
  }
  return place;
}

function runRegion(region: Region, inputs: readonly Numbers[]): Float32Array[] {
  const made = region.steps.map((): Float32Array[] => []);
  const reader = (one: Operand): ((at: number) => number) => {
    if (one.kind === 'constant') return () => Math.fround(one.value);
    if (one.kind === 'step') return (at) => made[one.step]![one.output]![at]!;
    if (one.kind === 'input') return (at) => inputs[one.input]![placeOf(one.index, at)]!;
    const { table, rows, width } = one;
    return (at) => inputs[table]![inputs[rows]![Math.floor(at / width)]! * width + (at % width)]!;
  };
  region.steps.forEach(({ op, attrs, operands }, step) => {
    const readers = operands.map(reader);
    const names = operands.map((_, i) => `a${i}`);
    const label = operands[1];
    const width = label?.kind === 'input' ? (label.index.dims.at(-1) ?? 1) : 1;
    const written = ELEMENT_EXPRESSIONS[op]!(names, attrs, { index: 'at', width });
    const compute = functionOf(['at', ...names], `return [${written.map(translated).join(', ')}];`);
    made[step] = written.map(() => new Float32Array(region.size));
    for (let at = 0; at < region.size; at++) {
      const results = compute(at, ...readers.map((read) => read(at))) as number[];
      results.forEach((result, i) => {
        made[step]![i]![at] = result;
      });
    }
  });
  return region.outputs.map(({ step, output }) => made[step]![output]!);
}

function runRows(
  { rows, width, row, column, sums, after = [], result, types = [], rowResults = [] }: RowKernel,
  inputs: readonly Numbers[],
): Float32Array[] {
  const names = inputs.map((_, i) => `i${i}`);
  const loop = (inside: string) =>
    `for (let c = 0; c < ${width}; c++) { const at = row * ${width} + c; ${column.join(' ')} ${inside} }`;
  const body = [
    `for (let row = 0; row < ${rows}; row++) {`,
    ...row,
    `let ${sums.map((_, i) => `s${i} = 0`).join(', ')};`,
    loop(sums.map((sum, i) => `s${i} += ${sum};`).join(' ')),
    ...after,
    loop(`o0[at] = ${result};`),
    ...rowResults.map((one, i) => `o${1 + i}[row] = ${one};`),
    '}',
  ].join('\n');
  const outputs = [rows * width, ...rowResults.map(() => rows)].map((size) => new Float32Array(size));
  const written = outputs.map((_, i) => `o${i}`);
  functionOf([...names, ...written], translated(body))(...inputs, ...outputs);
  // Rounded by who writes them.
  return types.length > 1 ? [outputs[0]!, ...outputs] : outputs;
}

function runRotation({ rotated }: RotaryKernel, inputs: readonly Numbers[]): Float32Array {
  const [batch, heads, length, size] = rotated;
  const half = size / 2;
  const [x, positions, cos, sin] = inputs as [Numbers, Numbers, Numbers, Numbers];
  const y = new Float32Array(sizeOf(rotated));
  for (let row = 0; row < batch * heads * length; row++)
    for (let j = 0; j < half; j++) {
      const position = positions[Math.floor(row / heads / length) * length + (row % length)]!;
      const [c, s] = [cos[position * half + j]!, sin[position * half + j]!];
      const first = row * size + j;
      const [a, b] = [x[first]!, x[first + half]!];
      y[first] = a * c - b * s;
      y[first + half] = b * c + a * s;
    }
  return y;
}

function runSoftmax({ softmax, valid, bias }: SoftmaxKernel, [x, mask]: readonly Numbers[]): Float32Array {
  const { rows, width } = softmax;
  const y = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    const scores = Array.from({ length: valid }, (_, c) => {
      const at = row * width + c;
      return x![at]! + (bias === undefined ? 0 : mask![placeOf(bias, at)]!);
    });
    const most = Math.max(...scores);
    const powers = scores.map((one) => Math.exp(one - most));
    const sum = powers.reduce((a, b) => a + b, 0);
    powers.forEach((one, c) => {
      y[row * width + c] = one / sum;
    });
  }
  return y;
}

function runLogSum({ logSum }: LogSumKernel, [logits, labels]: readonly Numbers[]): Float32Array[] {
  const { rows, width } = logSum;
  const totals = Float32Array.from({ length: rows }, (_, row) => {
    const own = Array.from(logits!.subarray(row * width, (row + 1) * width));
    const most = Math.max(...own);
    return most + Math.log(own.reduce((sum, one) => sum + Math.exp(one - most), 0));
  });
  return [totals.map((total, row) => total - logits![row * width + labels![row]!]!), totals];
}

function runMoves({ moves }: MoveKernel, inputs: readonly Numbers[], outputs: readonly Numbers[]): void {
  for (const { dims, from, to } of moves) {
    const target = outputs[to.tensor]!;
    for (let at = 0; at < sizeOf(dims); at++)
      target[to.offset + placeOf({ dims, strides: to.strides }, at)] =
        typeof from === 'number'
          ? from
          : inputs[from.tensor]![from.offset + placeOf({ dims, strides: from.strides }, at)]!;
  }
}

function run(
  meaning: KernelSource['meaning'],
  inputs: readonly Numbers[],
  outputs: KernelSource['outputs'],
): readonly Numbers[] {
  if (meaning instanceof Region) return runRegion(meaning, inputs);
  if ('moves' in meaning) {
    const made = outputs.map(({ type, shape }) =>
      type === OnnxType.INT32 ? new Int32Array(sizeOf(shape)) : new Float32Array(sizeOf(shape)),
    );
    runMoves(meaning, inputs, made);
    return made;
  }
  if ('size' in meaning) return [invertBatch(inputs[0] as Float32Array, meaning.size)];
  if ('rotated' in meaning) return [runRotation(meaning, inputs)];
  if ('logSum' in meaning) return runLogSum(meaning, inputs);
  if ('softmax' in meaning) {
    const y = runSoftmax(meaning, inputs);
    return outputs.map(() => y);
  }
  return runRows(meaning, inputs);
}

export interface Interpreter extends KernelRuntime {
  /** All that were compiled. */
  readonly kernels: KernelSource[];
}

export function kernelInterpreter(): Interpreter {
  const kernels: KernelSource[] = [];
  const view = (address: bigint, size: number, type: OnnxType): Numbers => {
    const buffer = koffi.view(address, size * BYTES[type]!);
    if (type === OnnxType.FLOAT) return new Float32Array(buffer);
    return type === OnnxType.INT32 ? new Int32Array(buffer) : new Uint16Array(buffer);
  };
  return {
    kernels,
    compile: (named) => ({
      ops: named.map(({ name, source }): CustomOp => {
        kernels.push(source);
        const { inputs, outputs, meaning } = source;
        return {
          name,
          inputs,
          outputs,
          run(tensors) {
            const read = inputs.map((type, i): Numbers => {
              const all = view(tensors[i]!, largestPlace(meaning, i), type);
              if (type === OnnxType.BFLOAT16) return widenBf16(all as Uint16Array);
              return type === OnnxType.FLOAT16 ? widenF16(all as Uint16Array) : all;
            });
            const results = run(meaning, read, outputs);
            outputs.forEach(({ type, shape }, i) => {
              const target = view(tensors[inputs.length + i]!, sizeOf(shape), type);
              const result = results[i]!;
              if (type === OnnxType.BFLOAT16) target.set(narrowBf16(result as Float32Array));
              else target.set(type === OnnxType.FLOAT16 ? narrowF16(result as Float32Array) : result);
            });
          },
        };
      }),
      release: () => undefined,
    }),
  };
}

/** How many elements of an input are read at most. */
function largestPlace(meaning: KernelSource['meaning'], input: number): number {
  if ('count' in meaning) return meaning.count * meaning.size ** 2;
  if ('moves' in meaning)
    return Math.max(
      ...meaning.moves.map(({ dims, from }) =>
        typeof from === 'number' || from.tensor !== input
          ? 0
          : 1 + from.offset + dims.reduce((sum, dim, i) => sum + (dim - 1) * from.strides[i]!, 0),
      ),
    );
  if ('rotated' in meaning) {
    const [batch, heads, length, size] = meaning.rotated;
    return [batch * heads * length * size, batch * length][input] ?? (meaning.angles * size) / 2;
  }
  if ('logSum' in meaning) {
    const { rows, width } = meaning.logSum;
    return [rows * width, rows][input]!;
  }
  if ('softmax' in meaning) {
    const { dims, strides } = meaning.bias ?? { dims: [], strides: [] };
    const last = dims.reduce((sum, dim, i) => sum + (dim - 1) * strides[i]!, 0);
    return [meaning.softmax.rows * meaning.softmax.width, last + 1][input]!;
  }
  if (!(meaning instanceof Region)) {
    const { rows, width, sums } = meaning;
    // Forward x and what is a column's; on the way back dy, x, gamma, what is a row's, and a sum.
    const isForward = meaning.rowResults !== undefined;
    const [whole, own] = [rows * width, sums.map(() => rows)];
    return (isForward ? [whole, width, width] : [whole, whole, width, ...own, whole])[input]!;
  }
  let most = 0;
  for (const { operands } of meaning.steps)
    for (const one of operands) {
      if (one.kind === 'input' && one.input === input) {
        const { dims, strides, offset = 0 } = one.index;
        const last = dims.reduce((sum, dim, i) => sum + (dim - 1) * strides[i]!, offset);
        most = Math.max(most, last + 1);
      }
      if (one.kind === 'rows' && one.rows === input)
        most = Math.max(most, Math.ceil(meaning.size / one.width));
      if (one.kind === 'rows' && one.table === input) most = Math.max(most, 4093 * one.width);
    }
  return most;
}
