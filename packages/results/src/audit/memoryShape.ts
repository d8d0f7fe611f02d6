/** Memory as a function of batch size (Table 22) and of sequence length (Table 21). */
import { numberOf, type Paper, type Row, TABLES } from '../paper/index.ts';
import { architectureOf } from './architectures.ts';
import { type Check, cells, type Finding, noted, place, settingsOf, show, verdictOf } from './finding.ts';

const BATCHES = [16, 32, 64] as const;
const LENGTHS = [64, 128, 256] as const;
export const GIB = 2 ** 30;
/** Attention heads of both encoders. */
const HEADS = 12;

export const memoryShape: Check = {
  name: 'memory-shape',
  about:
    'memory by batch size is a straight line, by sequence length a parabola, neither below zero at the origin',
  run: (paper) => [
    ...paper.table22_vit_memory.map(byBatch),
    ...paper.table21_deberta_memory.flatMap((row) => byLength(paper, row)),
  ],
};

function byBatch(row: Row<'table22_vit_memory'>): Finding {
  const columns = BATCHES.map((batch) => `peak_memory_gb_b${batch}`);
  const [small, middle, large] = [row.peak_memory_gb_b16, row.peak_memory_gb_b32, row.peak_memory_gb_b64];
  const [m16, m32] = [numberOf(small), numberOf(middle)];
  if (large.value === undefined) {
    const expected = m32 + 2 * (m32 - m16);
    return {
      ...place('table22_vit_memory', row, columns),
      recomputed: `${show(expected, 1)} at b=64`,
      rule: 'M(b) = M0 + c*b, M0 >= 0; out of memory above 80 GB',
      verdict: verdictOf(expected > 80 && m16 - (m32 - m16) >= -3 * small.halfUnit),
      uses: [],
    };
  }
  const slope = (large.value - m32) / 32;
  const atZero = m32 - 32 * slope;
  const expected = m32 - 16 * slope;
  // m16 - 1.5 m32 + 0.5 m64 is 0 on a line; each value is off by half a unit at most.
  const holds = Math.abs(m16 - expected) <= 3 * small.halfUnit + 1e-9 && atZero >= -3 * small.halfUnit;
  return {
    ...place('table22_vit_memory', row, columns),
    recomputed: `${show(expected, 2)} at b=16, ${show(atZero, 2)} at b=0, from b=32 and b=64`,
    rule: 'M(b) = M0 + c*b, M0 >= 0',
    verdict: verdictOf(holds),
    ...noted(
      atZero < -3 * small.halfUnit ? 'less than nothing would be needed for an empty batch' : undefined,
    ),
    uses: [],
  };
}

function byLength(paper: Paper, row: Row<'table21_deberta_memory'>): Finding[] {
  const columns = LENGTHS.map((length) => `peak_memory_gb_s${length}`);
  const [m1, m2, m3] = [row.peak_memory_gb_s64, row.peak_memory_gb_s128, row.peak_memory_gb_s256].map(
    numberOf,
  ) as [number, number, number];
  const curve = ((m3 - m2) / 128 - (m2 - m1) / 64) / 192;
  // Each value is off by half a unit at most.
  const error = (row.peak_memory_gb_s64.halfUnit * (2 / 128 + 2 / 64)) / 192;
  const slope = (m2 - m1) / 64 - 192 * curve;
  const atZero = m1 - 64 * slope - 64 ** 2 * curve;
  const { model, batch_size } = settingsOf(paper, 'table21_deberta_memory');
  const perBatch = (9 * HEADS * architectureOf(model).layers) / GIB;
  const digits = (value: number) => value.toExponential(1);
  return [
    {
      ...place('table21_deberta_memory', row, columns),
      recomputed: `${show(atZero, 1)} + ${digits(slope)}*s + ${digits(curve)}*s^2`,
      rule: 'M(s) = M0 + c*s + e*s^2 with no negative term',
      verdict: verdictOf(atZero > 0 && slope > 0 && curve >= -error),
      uses: [],
    },
    {
      table: TABLES.table21_deberta_memory.title,
      cell: `${row.label}: batch size`,
      printed: `b=${batch_size.text}`,
      judges: [],
      recomputed: `b = ${show((curve - error) / perBatch, 0)} to ${show((curve + error) / perBatch, 0)}`,
      rule: `e = 9*a*b bytes a layer (Table 9), a = ${HEADS} heads, ${architectureOf(model).layers} layers`,
      verdict: 'cannot be decided',
      note: 'disentangled attention keeps further s-by-s terms that Table 9 does not count, so the batch may be smaller',
      uses: cells('table21_deberta_memory', row, columns),
    },
  ];
}
