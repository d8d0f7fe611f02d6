/** Kernels of CUDA C: what a node of an operator of our own runs. */
import { type Index, isLinear, type Operand, type Region } from '../ir/region.ts';
import { HALF_TYPE, OnnxType } from '../onnx/proto.ts';
import { ELEMENT_EXPRESSIONS } from './expressions.ts';
import type { InverseKernel } from './inverseKernel.ts';
import type { LogSumKernel } from './logSumKernel.ts';
import type { MoveKernel } from './moveKernel.ts';
import type { RotaryKernel } from './rotaryKernel.ts';
import type { SoftmaxKernel } from './softmaxKernel.ts';

export interface KernelSource {
  /** Body of `extern "C" __global__ void NAME(parameters)`: inputs i0, i1, ..., then outputs o0, o1, ... */
  readonly body: string;
  /** ONNX element types. */
  readonly inputs: readonly OnnxType[];
  readonly outputs: readonly { readonly type: OnnxType; readonly shape: readonly number[] }[];
  readonly blocks: number;
  readonly threads: number;
  /** What it computes: for those who compute it in another way. */
  readonly meaning:
    | Region
    | RowKernel
    | InverseKernel
    | MoveKernel
    | RotaryKernel
    | SoftmaxKernel
    | LogSumKernel;
}

/** Elements that a thread computes: 16 bytes of float32. */
const LANES = 4;
/** Of a block. */
export const THREADS = 256;
/** Threads that exchange numbers without memory. */
export const WARP = 32;
/** Indices are of 32 bits. */
export const MOST_ELEMENTS = 2 ** 32 - 1;

export const C_TYPE: Partial<Record<OnnxType, string>> = {
  [OnnxType.FLOAT]: 'float',
  [OnnxType.INT32]: 'int',
  [OnnxType.BFLOAT16]: 'unsigned short',
  [OnnxType.FLOAT16]: 'unsigned short',
};

/** Of the same types. */
export const ELEMENT_BYTES: Partial<Record<OnnxType, number>> = {
  [OnnxType.FLOAT]: 4,
  [OnnxType.INT32]: 4,
  [OnnxType.BFLOAT16]: 2,
  [OnnxType.FLOAT16]: 2,
};

/** The whole function. */
export function functionOf(name: string, { body, inputs, outputs }: KernelSource): string {
  const parameters = [
    ...inputs.map((type, i) => `const ${C_TYPE[type]}* __restrict__ i${i}`),
    ...outputs.map(({ type }, i) => `${C_TYPE[type]}* __restrict__ o${i}`),
  ];
  return `extern "C" __global__ void ${name}(${parameters.join(', ')}) {\n${body}}\n`;
}

/** @param inputs types of the region's inputs, as they are stored */
export function regionKernel(region: Region, inputs: readonly OnnxType[]): KernelSource {
  const lanes = region.size % LANES === 0 ? LANES : 1;
  const lines = [
    `  const unsigned at = (blockIdx.x * ${THREADS}u + threadIdx.x) * ${lanes}u;`,
    `  if (at >= ${region.size}u) return;`,
  ];
  const loaded = new Map<string, string>();
  /** An expression of lane k. */
  const operand = (one: Operand): string => {
    if (one.kind === 'constant') return literal(one.value);
    if (one.kind === 'step') return `t${one.step}_${one.output}[k]`;
    const key = JSON.stringify(one);
    let name = loaded.get(key);
    if (name === undefined) {
      name = `x${loaded.size}`;
      loaded.set(key, name);
      lines.push(...load(one, name, inputs, lanes));
    }
    return `${name}[k]`;
  };
  region.steps.forEach(({ op, attrs, operands }, step) => {
    const at = { index: '(at + k)', width: widthOf(operands) };
    const written = ELEMENT_EXPRESSIONS[op]!(operands.map(operand), attrs, at);
    lines.push(`  ${written.map((_, i) => `float t${step}_${i}[${lanes}];`).join(' ')}`);
    const assigned = written.map((expression, i) => `t${step}_${i}[k] = ${expression};`);
    lines.push(`  _Pragma("unroll") for (unsigned k = 0; k < ${lanes}u; ++k) { ${assigned.join(' ')} }`);
  });
  const outputs = region.outputs.map(({ shape, half }) => ({
    type: half === undefined ? OnnxType.FLOAT : HALF_TYPE[half],
    shape,
  }));
  region.outputs.forEach(({ step, output }, i) => {
    lines.push(store(`t${step}_${output}`, `o${i}`, outputs[i]!.type, 'at', lanes));
  });
  const blocks = Math.ceil(region.size / lanes / THREADS);
  return { body: `${lines.join('\n')}\n`, inputs, outputs, blocks, threads: THREADS, meaning: region };
}

/** Elements of a row, where an expression asks for it: of what the labels are read for. */
function widthOf(operands: readonly Operand[]): number {
  const label = operands[1];
  return label?.kind === 'input' ? (label.index.dims.at(-1) ?? 1) : 1;
}

/** Reads an operand into `name`, an element for each lane. */
export function load(
  one: Exclude<Operand, { kind: 'constant' | 'step' }>,
  name: string,
  inputs: readonly OnnxType[],
  lanes: number,
) {
  if (one.kind === 'rows') {
    const { table, rows, width } = one;
    const place = (k: string) =>
      `(unsigned)i${rows}[(at${k}) / ${width}u] * ${width}u + (at${k}) % ${width}u`;
    return width % lanes === 0
      ? contiguous(name, `i${table}`, OnnxType.FLOAT, place(''), lanes)
      : each(name, `i${table}`, OnnxType.FLOAT, (k) => place(` + ${k}`), lanes);
  }
  const { input, index } = one;
  const type = inputs[input]!;
  const source = `i${input}`;
  if (isLinear(index)) return contiguous(name, source, type, 'at', lanes);
  const last = index.dims.at(-1)!;
  const stride = index.strides.at(-1)!;
  if (last % lanes !== 0) return each(name, source, type, (k) => placeOf(index, `(at + ${k})`), lanes);
  if (stride === 0)
    return [
      `  const float ${name}_0 = ${widened(`${source}[${placeOf(index, 'at')}]`, type)};`,
      `  float ${name}[${lanes}]; _Pragma("unroll") for (unsigned k = 0; k < ${lanes}u; ++k) ${name}[k] = ${name}_0;`,
    ];
  const isAligned =
    stride === 1 && [...index.strides.slice(0, -1), index.offset ?? 0].every((one) => one % lanes === 0);
  return isAligned
    ? contiguous(name, source, type, placeOf(index, 'at'), lanes)
    : each(name, source, type, (k) => `${placeOf(index, 'at')} + ${k} * ${stride}u`, lanes);
}

/** Reads `lanes` elements that stand together, 4 or 1, into `name`. */
export function contiguous(
  name: string,
  source: string,
  type: OnnxType,
  place: string,
  lanes: number,
): string[] {
  if (lanes === 1) return [`  const float ${name}[1] = { ${widened(`${source}[${place}]`, type)} };`];
  const vector = type === OnnxType.FLOAT ? 'float4' : type === OnnxType.INT32 ? 'int4' : 'ushort4';
  const parts = ['x', 'y', 'z', 'w'].map((part) => widened(`${name}_v.${part}`, type));
  return [
    `  const ${vector} ${name}_v = *reinterpret_cast<const ${vector}*>(${source} + (${place}));`,
    `  const float ${name}[4] = { ${parts.join(', ')} };`,
  ];
}

function each(
  name: string,
  source: string,
  type: OnnxType,
  place: (k: string) => string,
  lanes: number,
): string[] {
  const value = widened(`${source}[${place('k')}]`, type);
  return [
    `  float ${name}[${lanes}]; _Pragma("unroll") for (unsigned k = 0; k < ${lanes}u; ++k) ${name}[k] = ${value};`,
  ];
}

export function store(name: string, target: string, type: OnnxType, place: string, lanes: number): string {
  const value = (k: number) => narrowed(`${name}[${k}]`, type);
  if (lanes === 1) return `  ${target}[${place}] = ${value(0)};`;
  const vector = type === OnnxType.FLOAT ? 'float4' : 'ushort4';
  const parts = Array.from({ length: 4 }, (_, k) => value(k));
  return `  *reinterpret_cast<${vector}*>(${target} + (${place})) = make_${vector}(${parts.join(', ')});`;
}

function widened(value: string, type: OnnxType): string {
  if (type === OnnxType.BFLOAT16) return `psoft_from_bf16(${value})`;
  if (type === OnnxType.FLOAT16) return `psoft_from_f16(${value})`;
  return type === OnnxType.INT32 ? `(float)${value}` : value;
}

export function narrowed(value: string, type: OnnxType): string {
  if (type === OnnxType.BFLOAT16) return `psoft_to_bf16(${value})`;
  return type === OnnxType.FLOAT16 ? `psoft_to_f16(${value})` : value;
}

/** The place of element `at` in a tensor that is read by an index. */
export function placeOf({ dims, strides, offset = 0 }: Index, at: string): string {
  let below = 1;
  const terms: string[] = offset === 0 ? [] : [`${offset}u`];
  for (let i = dims.length - 1; i >= 0; i--) {
    const [dim, stride] = [dims[i]!, strides[i]!];
    if (stride !== 0) {
      const quotient = below === 1 ? at : `${at} / ${below}u`;
      const coordinate = i === 0 ? quotient : `${quotient} % ${dim}u`;
      terms.push(stride === 1 ? `(${coordinate})` : `(${coordinate}) * ${stride}u`);
    }
    below *= dim;
  }
  return terms.length === 0 ? '0u' : terms.join(' + ');
}

/** A float32 of CUDA C, exactly. */
export function literal(value: number): string {
  const single = Math.fround(value);
  if (Number.isNaN(single)) return '__int_as_float(0x7fffffff)';
  if (!Number.isFinite(single)) return `__int_as_float(${single > 0 ? '0x7f800000' : '0xff800000'})`;
  const text = single.toExponential(9);
  return single < 0 ? `(${text}f)` : `${text}f`;
}

/** Sums over the rows of a matrix, one block a row. */
export interface RowKernel {
  readonly rows: number;
  readonly width: number;
  readonly inputs: number;
  /** Before the sums: what is the row's, in float32. */
  readonly row: readonly string[];
  /** For column c, whose place is at. */
  readonly column: readonly string[];
  /** Expressions of column c to sum, as s0, s1, ... */
  readonly sums: readonly string[];
  /** What is the row's when the sums are known. */
  readonly after?: readonly string[];
  /** Of column c, when the sums are known: the first output, or the first two. */
  readonly result: string;
  /** Types of the result, one for each output it goes to; float32 alone when left out. */
  readonly types?: readonly OnnxType[];
  /** One number a row each: the other outputs. */
  readonly rowResults?: readonly string[];
}

export function rowKernel(meaning: RowKernel): KernelSource {
  const { rows, width, inputs, row, column, sums, after = [], result, rowResults = [] } = meaning;
  const { types = [OnnxType.FLOAT] } = meaning;
  const threads = Math.min(256, Math.max(32, Math.ceil(width / 4 / 32) * 32));
  const warps = threads / 32;
  const loop = (inside: string) =>
    `  for (unsigned c = threadIdx.x; c < ${width}u; c += ${threads}u) { const unsigned at = row * ${width}u + c; ${column.join(' ')} ${inside} }`;
  const names = sums.map((_, i) => `s${i}`);
  const body = [
    '  const unsigned row = blockIdx.x;',
    ...row.map((line) => `  ${line}`),
    `  float ${names.map((name) => `${name} = 0.0f`).join(', ')};`,
    loop(sums.map((sum, i) => `s${i} += ${sum};`).join(' ')),
    `  __shared__ float partial[${sums.length}][${warps}];`,
    ...names.flatMap((name, i) => [
      `  for (int step = 16; step > 0; step >>= 1) ${name} += __shfl_xor_sync(0xffffffffu, ${name}, step);`,
      `  if ((threadIdx.x & 31u) == 0u) partial[${i}][threadIdx.x >> 5] = ${name};`,
    ]),
    '  __syncthreads();',
    ...names.map(
      (name, i) => `  ${name} = 0.0f; for (int w = 0; w < ${warps}; ++w) ${name} += partial[${i}][w];`,
    ),
    ...after.map((line) => `  ${line}`),
    loop(
      `const float y = ${result}; ${types.map((type, i) => `o${i}[at] = ${narrowed('y', type)};`).join(' ')}`,
    ),
    ...rowResults.map((one, i) => `  if (threadIdx.x == 0u) o${types.length + i}[row] = ${one};`),
  ];
  return {
    body: `${body.join('\n')}\n`,
    inputs: Array.from({ length: inputs }, () => OnnxType.FLOAT),
    outputs: [
      ...types.map((type) => ({ type, shape: [rows, width] })),
      ...rowResults.map(() => ({ type: OnnxType.FLOAT, shape: [rows] })),
    ],
    blocks: rows,
    threads,
    meaning,
  };
}
