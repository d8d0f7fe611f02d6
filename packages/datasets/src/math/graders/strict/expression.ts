/** Expressions, and what they are worth. */
import * as C from './complex.ts';
import { OPERATIONS, type Operation, type OperationName } from './operations.ts';
import type { Rational } from './rational.ts';
import { toNumber } from './rational.ts';

export type Expression =
  | { readonly kind: 'number'; readonly value: Rational }
  | { readonly kind: 'symbol'; readonly name: string }
  /** `sign`: 1 for the upper of plus-minus, -1 for the lower, before an argument. */
  | { readonly kind: 'plusMinus'; readonly sign: 1 | -1; readonly of: Expression }
  | { readonly kind: 'apply'; readonly name: OperationName; readonly to: readonly Expression[] };

export const apply = (name: OperationName, ...to: Expression[]): Expression => ({ kind: 'apply', name, to });
export const number = (value: Rational): Expression => ({ kind: 'number', value });
export const symbol = (name: string): Expression => ({ kind: 'symbol', name });

/** Names that are not variables. */
export const CONSTANTS: Readonly<Record<string, C.Complex>> = {
  pi: C.real(Math.PI),
  e: C.real(Math.E),
  i: { re: 0, im: 1 },
  infinity: C.real(Infinity),
};

export function visit(expression: Expression, seen: (part: Expression) => void): void {
  seen(expression);
  if (expression.kind === 'plusMinus') visit(expression.of, seen);
  if (expression.kind === 'apply') for (const part of expression.to) visit(part, seen);
}

export function variablesOf(...expressions: readonly Expression[]): string[] {
  const names = new Set<string>();
  for (const expression of expressions)
    visit(expression, (part) => {
      if (part.kind === 'symbol' && !Object.hasOwn(CONSTANTS, part.name)) names.add(part.name);
    });
  return [...names].sort();
}

/** The two readings of an expression with plus-minus signs, which go together; else itself. */
export function expandSigns(expression: Expression): Expression[] {
  let isDouble = false;
  visit(expression, (part) => {
    if (part.kind === 'plusMinus') isDouble = true;
  });
  return isDouble ? [withSign(expression, 1), withSign(expression, -1)] : [expression];
}

function withSign(expression: Expression, sign: 1 | -1): Expression {
  if (expression.kind === 'plusMinus') {
    const inner = withSign(expression.of, sign);
    return sign === expression.sign ? inner : apply('negate', inner);
  }
  if (expression.kind !== 'apply') return expression;
  return apply(expression.name, ...expression.to.map((part) => withSign(part, sign)));
}

/** The value as a fraction, where exact arithmetic finds one. */
export function exactValue(expression: Expression): Rational | undefined {
  if (expression.kind === 'number') return expression.value;
  if (expression.kind !== 'apply') return undefined;
  const { exact } = OPERATIONS[expression.name] as Operation;
  if (exact === undefined) return undefined;
  const values: Rational[] = [];
  for (const part of expression.to) {
    const value = exactValue(part);
    if (value === undefined) return undefined;
    values.push(value);
  }
  return exact(...values);
}

/** The value with variables at a point. NaN where there is none. */
export function valueAt(expression: Expression, point: Readonly<Record<string, number>>): C.Complex {
  switch (expression.kind) {
    case 'number':
      return C.real(toNumber(expression.value));
    case 'symbol':
      return Object.hasOwn(CONSTANTS, expression.name)
        ? CONSTANTS[expression.name]!
        : C.real(point[expression.name] ?? Number.NaN);
    case 'plusMinus':
      return C.real(Number.NaN);
    case 'apply': {
      const { value } = OPERATIONS[expression.name] as Operation;
      return value(...expression.to.map((part) => valueAt(part, point)));
    }
  }
}
