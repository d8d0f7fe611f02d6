/** Element-wise kernels as expressions of CUDA C, in float32. */
import type { Attributes } from '../ir/graph.ts';

/** @param at of the element in the region. @returns an expression for each output */
export type ElementExpression = (
  operands: readonly string[],
  attrs: Attributes,
  at: { readonly index: string; readonly width: number },
) => readonly string[];

const unary =
  (write: (x: string) => string): ElementExpression =>
  ([x]) => [write(x!)];
const binary =
  (write: (a: string, b: string) => string): ElementExpression =>
  ([a, b]) => [write(a!, b!)];
const call = (name: string) => unary((x) => `${name}(${x})`);
const infix = (sign: string) => binary((a, b) => `(${a} ${sign} ${b})`);

/** 1 in the column of the label, else 0. */
const isLabel = (label: string, { index, width }: Parameters<ElementExpression>[2]) =>
  `((int)(${index} % ${width}u) == (int)${label} ? 1.0f : 0.0f)`;

/** By kernel name. NaN is kept, as TensorFlow.js keeps it. */
export const ELEMENT_EXPRESSIONS: Readonly<Record<string, ElementExpression>> = {
  Abs: call('fabsf'),
  Cos: call('cosf'),
  Erf: call('erff'),
  Exp: call('expf'),
  Log: call('logf'),
  Neg: unary((x) => `(-${x})`),
  Reciprocal: unary((x) => `(1.0f / ${x})`),
  Relu: unary((x) => `(${x} < 0.0f ? 0.0f : ${x})`),
  Rsqrt: unary((x) => `(1.0f / sqrtf(${x}))`),
  Sigmoid: call('psoft_sigmoid'),
  Sin: call('sinf'),
  Sqrt: call('sqrtf'),
  Square: unary((x) => `(${x} * ${x})`),
  Tanh: call('tanhf'),
  Add: infix('+'),
  Sub: infix('-'),
  Multiply: infix('*'),
  RealDiv: infix('/'),
  Maximum: binary((a, b) => `(${a} > ${b} || ${a} != ${a} ? ${a} : ${b})`),
  Minimum: binary((a, b) => `(${a} < ${b} || ${a} != ${a} ? ${a} : ${b})`),
  SquaredDifference: binary((a, b) => `((${a} - ${b}) * (${a} - ${b}))`),
  AddN: (operands) => [`(${operands.join(' + ')})`],
  Gelu: unary((x) => `(${x} * psoft_normal_cdf(${x}))`),
  GeluGrad: binary(
    (dy, x) => `(${dy} * (psoft_normal_cdf(${x}) + ${x} * 0.3989422804f * expf(-0.5f * ${x} * ${x})))`,
  ),
  Swiglu: binary((gate, up) => `(${gate} * psoft_sigmoid(${gate}) * ${up})`),
  SwigluGrad: ([dy, gate, up]) => [
    `(${dy} * ${up} * psoft_sigmoid(${gate}) * (1.0f + ${gate} * (1.0f - psoft_sigmoid(${gate}))))`,
    `(${dy} * ${gate} * psoft_sigmoid(${gate}))`,
  ],
  RoundTo: ([x], { to }) => [`psoft_round_${to}(${x})`],
  TokenLossGrad: ([logs, label], _, at) => [`(expf(${logs}) - ${isLabel(label!, at)})`],
  TokenLossSlope: ([logits, label, logSum], _, at) => [
    `(expf(${logits} - ${logSum}) - ${isLabel(label!, at)})`,
  ],
};

/** What the expressions call. */
export const PRELUDE = `
__device__ __forceinline__ float psoft_normal_cdf(float x) { return 0.5f * erff(x * 0.70710678f) + 0.5f; }
__device__ __forceinline__ float psoft_sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }
__device__ __forceinline__ unsigned short psoft_to_bf16(float x) {
  unsigned bits = __float_as_uint(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return 0x7fffu;
  return (unsigned short)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}
__device__ __forceinline__ float psoft_from_bf16(unsigned short h) { return __uint_as_float((unsigned)h << 16); }
__device__ __forceinline__ unsigned short psoft_to_f16(float x) {
  unsigned short h; asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h) : "f"(x)); return h;
}
__device__ __forceinline__ float psoft_from_f16(unsigned short h) {
  float x; asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(h)); return x;
}
__device__ __forceinline__ float psoft_round_bf16(float x) { return psoft_from_bf16(psoft_to_bf16(x)); }
__device__ __forceinline__ float psoft_round_f16(float x) { return psoft_from_f16(psoft_to_f16(x)); }
`;
