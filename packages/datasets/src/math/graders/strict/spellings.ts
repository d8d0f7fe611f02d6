/** How mathematics is spelled: in LaTeX, in plain text, in Unicode. */
import { FUNCTION_NAMES } from './operations.ts';
import type { Token } from './tokens.ts';

export const SPACING = new Set([
  ...['left', 'right', 'big', 'Big', 'bigg', 'Bigg', 'bigl', 'bigr', 'Bigl', 'Bigr', 'middle', 'limits'],
  ...['displaystyle', 'textstyle', 'quad', 'qquad', 'thinspace', 'nonumber', 'bf', 'rm', 'it'],
  ...[',', ';', ':', '!', ' ', '\n'],
]);
export const WORDS = new Set([
  'text',
  'mbox',
  'textbf',
  'textit',
  'textrm',
  'hbox',
  'textnormal',
  'textsf',
  'operatorname',
]);
/** Typefaces: of several letters a word (`\mathrm{cm}`), of one a name. */
export const FACES = new Set([
  'mathrm',
  'mathbf',
  'mathit',
  'mathsf',
  'mathbb',
  'mathcal',
  'boldsymbol',
  'vec',
  'hat',
]);

/** Commands and characters by the sign that they stand for; others stand for themselves. */
export const SIGNS: Readonly<Record<string, string>> = {
  dfrac: 'frac',
  tfrac: 'frac',
  cfrac: 'frac',
  dbinom: 'binom',
  tbinom: 'binom',
  cdot: '*',
  times: '*',
  ast: '*',
  div: '/',
  le: '<=',
  leq: '<=',
  leqslant: '<=',
  ge: '>=',
  geq: '>=',
  geqslant: '>=',
  lt: '<',
  gt: '>',
  ne: '!=',
  neq: '!=',
  approx: '~',
  equiv: '=',
  lbrace: '\\{',
  rbrace: '\\}',
  lbrack: '[',
  rbrack: ']',
  vert: '|',
  lvert: '|',
  rvert: '|',
  mid: '|',
  langle: '<(',
  rangle: ')>',
  backslash: 'setminus',
  smallsetminus: 'setminus',
  degree: 'degree',
  circ: 'circ',
  '\\': '\\\\',
  '{': '\\{',
  '}': '\\}',
  '%': '%',
  $: '$',
  '&': '&',
  '|': '|',
  arcsin: 'arcsin',
  asin: 'arcsin',
  acos: 'arccos',
  atan: 'arctan',
  cap: 'cap',
  cup: 'cup',
  union: 'cup',
};
/** Commands that are names. */
export const NAMES: Readonly<Record<string, string>> = {
  infty: 'infinity',
  infinity: 'infinity',
  varnothing: 'emptyset',
  emptyset: 'emptyset',
};
export const LETTERS = new Set(
  'pi alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi rho sigma tau phi varphi chi psi omega Gamma Delta Theta Lambda Xi Sigma Phi Psi Omega ell'.split(
    ' ',
  ),
);
/** Words of plain text that are mathematics. */
export const PLAIN: Readonly<Record<string, Token>> = Object.fromEntries([
  ...[...FUNCTION_NAMES, 'log', 'sqrt'].map((name) => [name, { kind: 'sign', text: name }] as const),
  ...['pi', 'theta', 'alpha', 'beta', 'infinity'].map(
    (name) => [name, { kind: 'name', text: name }] as const,
  ),
  ['oo', { kind: 'name', text: 'infinity' }],
  ['inf', { kind: 'name', text: 'infinity' }],
  ['and', { kind: 'words', text: 'and' }],
  ['or', { kind: 'words', text: 'or' }],
  ['degrees', { kind: 'words', text: 'degrees' }],
  ['percent', { kind: 'sign', text: '%' }],
]);
/** Characters by their LaTeX. */
export const CHARACTERS: readonly (readonly [RegExp, string])[] = [
  [/[−–—]/g, '-'],
  [/[×·∙]/g, '\\cdot '],
  [/÷/g, '/'],
  [/π/g, '\\pi '],
  [/θ/g, '\\theta '],
  [/∞/g, '\\infty '],
  [/(?:√|(?<![\\a-zA-Z])sqrt)\s*(\d+(?:\.\d+)?)/g, '\\sqrt{$1}'],
  [/√/g, '\\sqrt '],
  [/(?<!\d)\.(?=\\(?:overline|bar))/g, '0.'],
  [/°/g, '\\degree '],
  [/≤/g, '\\le '],
  [/≥/g, '\\ge '],
  [/≠/g, '\\ne '],
  [/∪/g, '\\cup '],
  [/∩/g, '\\cap '],
  [/∈/g, '\\in '],
  [/±/g, '\\pm '],
  [/ℝ/g, '\\mathbb{R}'],
  [/∅/g, '\\emptyset '],
  [/¼/g, '\\frac{1}{4}'],
  [/½/g, '\\frac{1}{2}'],
  [/¾/g, '\\frac{3}{4}'],
  [/[\u00a0\u2009\u202f]/g, ' '],
  [/\^\s*(?:\{\s*\\circ\s*\}|\\circ(?![a-zA-Z]))/g, '\\degree '],
  [/\{,\}/g, ',\\!'],
];
export const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹';
