/** Whether two answers are the same answer, piece by piece. */
import type { Answer } from './answer.ts';
import { apply, CONSTANTS, type Expression, exactValue, number } from './expression.ts';
import { inBaseUnits } from './units.ts';
import { sameEquation, sameValue } from './values.ts';
import { wordForm } from './words.ts';

type Kind<K extends Answer['kind']> = Answer & { readonly kind: K };

/** Sets of more members are compared in order. */
const MAX_MEMBERS = 40;

export function sameAnswer(gold: Answer, other: Answer): boolean {
  const [a, b] = [withoutLabel(gold, other), withoutLabel(other, gold)];
  if (a.kind === b.kind) return sameOfKind(a, b);
  // x > 2 and (2, \infty); a vector as a column and as a tuple.
  const [x, y] = [asIntervals(a) ?? asTuple(a), asIntervals(b) ?? asTuple(b)];
  if (x.kind === y.kind && (x !== a || y !== b)) return sameOfKind(x, y);
  return false;
}

function sameOfKind(a: Answer, b: Answer): boolean {
  switch (a.kind) {
    case 'quantity':
      return sameQuantity(a, b as typeof a);
    case 'tuple':
      return (
        a.open === (b as typeof a).open &&
        a.close === (b as typeof a).close &&
        sameList(a.items, (b as typeof a).items)
      );
    case 'set':
      return sameMembers(a.items, (b as typeof a).items) || sameIntervals(a, b);
    case 'combined':
      return (
        a.by === (b as typeof a).by &&
        (a.by === 'setminus' ? sameList : sameMembers)(a.items, (b as typeof a).items)
      );
    case 'matrix':
      return sameMatrix(a, b as typeof a);
    case 'relation':
      return sameRelation(a, b as typeof a) || sameIntervals(a, b);
    case 'words':
      return wordForm(a.text) === wordForm((b as typeof a).text);
  }
}

const sameList = (a: readonly Answer[], b: readonly Answer[]): boolean =>
  a.length === b.length && a.every((item, i) => sameAnswer(item, b[i]!));

function sameMembers(a: readonly Answer[], b: readonly Answer[]): boolean {
  if (a.length !== b.length || a.length > MAX_MEMBERS) return sameList(a, b);
  const left = [...b];
  return a.every((item) => {
    const at = left.findIndex((one) => sameAnswer(item, one));
    if (at >= 0) left.splice(at, 1);
    return at >= 0;
  });
}

function sameMatrix(a: Kind<'matrix'>, b: Kind<'matrix'>): boolean {
  if (a.rows.length === b.rows.length) return a.rows.every((row, i) => sameList(row, b.rows[i]!));
  // A vector as a row and as a column.
  const [x, y] = [asTuple(a), asTuple(b)];
  return x.kind === 'tuple' && y.kind === 'tuple' && sameList(x.items, y.items);
}

/**
 * Numbers with what they count. Two units of one kind are converted, of two kinds differ; without a unit on one side,
 * the number alone counts. 20% is 20 of a percent and 0.2, as the question may ask for either.
 */
function sameQuantity(a: Kind<'quantity'>, b: Kind<'quantity'>): boolean {
  if (a.isPercent !== b.isPercent) {
    const [percent, plain] = a.isPercent ? [a, b] : [b, a];
    return sameValue(percent.value, plain.value) || sameValue(apply('percent', percent.value), plain.value);
  }
  const [dimension, other] = [a.unit.dimension, b.unit.dimension];
  if (dimension === undefined || other === undefined) {
    if (sameValue(a.value, b.value)) return true;
    // Degrees are a number of radians too.
    const [angle, plain] = dimension === undefined ? [b, a] : [a, b];
    return (
      angle.unit.dimension?.startsWith('angle') === true &&
      sameValue(apply('degree', angle.value), plain.value)
    );
  }
  if (dimension !== other) return false;
  const [x, y] = [exactValue(a.value), exactValue(b.value)];
  if (x === undefined || y === undefined) return sameValue(scaled(a), scaled(b));
  const [inBase, otherInBase] = [inBaseUnits(x, a.unit), inBaseUnits(y, b.unit)];
  return inBase !== undefined && otherInBase !== undefined && sameValue(number(inBase), number(otherInBase));
}

const scaled = ({ value, unit }: Kind<'quantity'>): Expression =>
  apply('multiply', value, number(unit.factor));

const FLIPPED: Readonly<Record<string, string>> = { '<': '>', '>': '<', '<=': '>=', '>=': '<=' };
const flip = (sign: string): string => FLIPPED[sign] ?? sign;

function sameRelation(a: Kind<'relation'>, b: Kind<'relation'>): boolean {
  if (a.signs.length !== b.signs.length) return false;
  const isSame = (signs: readonly string[], sides: readonly Answer[]): boolean =>
    a.signs.every((sign, i) => sign === signs[i]) && sameList(a.sides, sides);
  if (isSame(b.signs, b.sides)) return true;
  if (!b.signs.includes('in') && isSame(b.signs.map(flip).reverse(), [...b.sides].reverse())) return true;
  const [x, y] = [equation(a), equation(b)];
  return x !== undefined && y !== undefined && sameEquation(x, y);
}

function equation({ signs, sides }: Kind<'relation'>): [Expression, Expression] | undefined {
  const [left, right] = sides;
  if (signs.length !== 1 || signs[0] !== '=' || left?.kind !== 'quantity' || right?.kind !== 'quantity')
    return undefined;
  return [left.value, right.value];
}

/** `x = 5` as 5 and `x \in S` as S where the other answer has no such part; `2 + 3 = 5` as 5. */
function withoutLabel(answer: Answer, other: Answer): Answer {
  if (answer.kind !== 'relation') return answer;
  const { signs, sides } = answer;
  const last = sides.at(-1)!;
  if (signs.every((sign) => sign === 'in')) return isLabel(sides[0]!) && !isMembership(other) ? last : answer;
  if (other.kind === 'relation' || signs.some((sign) => sign !== '=')) return answer;
  return sides
    .slice(0, -1)
    .every((side, i) => (i === 0 && isLabel(side)) || isNumber(side) || isLabel(sides[0]!))
    ? last
    : answer;
}

const isMembership = (answer: Answer): boolean => answer.kind === 'relation' && answer.signs.includes('in');

/** What an answer is called: x, f(x), (x, y). */
function isLabel(answer: Answer): boolean {
  if (answer.kind === 'tuple') return answer.items.every(isLabel);
  if (answer.kind === 'words') return true;
  return answer.kind === 'quantity' && isName(answer.value);
}

const isName = (value: Expression): boolean =>
  (value.kind === 'symbol' && !Object.hasOwn(CONSTANTS, value.name)) ||
  (value.kind === 'apply' && value.name === 'unknown' && value.to.every((part) => part.kind === 'symbol'));

const isNumber = (answer: Answer): boolean =>
  answer.kind === 'quantity' && exactValue(answer.value) !== undefined;

/** A row or a column as a tuple; others as they are. */
function asTuple(answer: Answer): Answer {
  if (answer.kind !== 'matrix') return answer;
  const [first] = answer.rows;
  const items =
    answer.rows.length === 1
      ? first!
      : answer.rows.every((row) => row.length === 1)
        ? answer.rows.flat()
        : undefined;
  return items === undefined || items.length < 2 ? answer : { kind: 'tuple', open: '(', close: ')', items };
}

const sameIntervals = (a: Answer, b: Answer): boolean => {
  const [x, y] = [asIntervals(a), asIntervals(b)];
  return x !== undefined && y !== undefined && x.kind === y.kind && sameOfKind(x, y);
};

const INFINITY: Answer = quantityOf({ kind: 'symbol', name: 'infinity' });
const MINUS_INFINITY: Answer = quantityOf(apply('negate', { kind: 'symbol', name: 'infinity' }));

function quantityOf(value: Expression): Answer {
  return { kind: 'quantity', value, unit: { factor: { top: 1n, bottom: 1n } }, isPercent: false };
}

/** Inequalities of one variable as intervals: `x > 2`, `-1 \le x < 3`, `x < 0 or x > 1`. */
function asIntervals(answer: Answer): Answer | undefined {
  if (answer.kind === 'set') {
    const items = answer.items.map(asIntervals);
    if (items.length < 2 || items.some((item) => item === undefined)) return undefined;
    return { kind: 'combined', by: 'cup', items: items as Answer[] };
  }
  if (answer.kind !== 'relation') return undefined;
  const { signs, sides } = answer;
  const at = sides.findIndex(isLabel);
  const isRising = signs.every((sign) => sign === '<' || sign === '<=');
  if (!isRising) {
    if (!signs.every((sign) => sign === '>' || sign === '>=')) return undefined;
    return asIntervals({ kind: 'relation', signs: signs.map(flip).reverse(), sides: [...sides].reverse() });
  }
  if (sides.length > 3 || at < 0 || (sides.length === 3 && at !== 1)) return undefined;
  const [low, high] = [sides[at - 1], sides[at + 1]];
  return {
    kind: 'tuple',
    open: low !== undefined && signs[at - 1] === '<=' ? '[' : '(',
    close: high !== undefined && signs[at] === '<=' ? ']' : ')',
    items: [low ?? MINUS_INFINITY, high ?? INFINITY],
  };
}
