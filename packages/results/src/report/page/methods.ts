/** How methods look: kin share a colour and a mark, so that thirteen lines can be told by kind before being read. */
import type { MethodStyle } from './data/types.ts';

interface Family {
  readonly title: string;
  readonly colour: string;
  readonly shape: string;
  readonly methods: readonly string[];
}

/** Colours are custom properties: blue, teal, orange, grey and purple of Okabe and Ito, for either theme. */
export const FAMILIES: Readonly<Record<string, Family>> = {
  psoft: { title: 'PSOFT', colour: 'var(--psoft)', shape: 'diamond', methods: ['psoft'] },
  orthogonal: {
    title: 'orthogonal',
    colour: 'var(--orthogonal)',
    shape: 'circle',
    methods: ['oft', 'boft', 'goft', 'qgoft'],
  },
  lowRank: {
    title: 'low rank and spectral',
    colour: 'var(--low-rank)',
    shape: 'triangle-up',
    methods: ['lora', 'pissa', 'dora', 'lora-xs', 'vera', 'svft'],
  },
  bounds: {
    title: 'full fine-tuning, and what trains no adapter',
    colour: 'var(--bounds)',
    shape: 'square',
    methods: ['full', 'head', 'base'],
  },
  other: { title: 'other', colour: 'var(--other)', shape: 'cross', methods: [] },
};

/** Within a family, by place. */
const DASHES: readonly (readonly number[])[] = [[], [6, 3], [2, 2], [9, 3, 2, 3], [4, 4], [12, 3]];

/** @param method without its variant @param label as the paper calls it */
export function styleOf(method: string, label: string): MethodStyle {
  const family = Object.keys(FAMILIES).find((name) => FAMILIES[name]!.methods.includes(method)) ?? 'other';
  const { colour, shape, methods } = FAMILIES[family]!;
  const place = Math.max(0, methods.indexOf(method));
  return { label, family, colour, shape, dash: DASHES[place % DASHES.length]! };
}
