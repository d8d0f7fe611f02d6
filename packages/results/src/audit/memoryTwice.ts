/** Memory printed in two places: Tables 2 and 3 against Tables 21 and 22, which vary one setting of each. */
import { GLUE_TASKS, numberOf, type Paper, type Printed, type Row, TABLES } from '../paper/index.ts';
import { deviceOf } from './devices.ts';
import {
  type Check,
  cells,
  type Finding,
  noted,
  place,
  rowOf,
  settingsOf,
  show,
  type Verdict,
  verdictOf,
} from './finding.ts';

export const memoryTwice: Check = {
  name: 'memory-twice',
  about: 'memory of one setting in two tables, and out of memory where the other table says so',
  run: (paper) => [
    ...paper.table21_deberta_memory.map((row) => againstGlue(paper, row)),
    ...paper.table22_vit_memory.map((row) => againstVtab(paper, row)),
    ...paper.table21_deberta_memory.flatMap((row) => glueOutOfMemory(paper, row)),
  ],
};

const LENGTH_COLUMNS = {
  64: 'peak_memory_gb_s64',
  128: 'peak_memory_gb_s128',
  256: 'peak_memory_gb_s256',
} as const;
const BATCH_COLUMNS = {
  16: 'peak_memory_gb_b16',
  32: 'peak_memory_gb_b32',
  64: 'peak_memory_gb_b64',
} as const;

/** Table 10's settings are the same for all tasks but the length. */
function glueSetting(
  paper: Paper,
  name: 'batch_size' | 'max_seq_len',
  task: (typeof GLUE_TASKS)[number],
): number {
  return Number(rowOf(paper, 'table10_hparams_glue', name)[task]);
}

function againstGlue(paper: Paper, row: Row<'table21_deberta_memory'>): Finding {
  const { sequence_length } = settingsOf(paper, 'table2_glue');
  const column = LENGTH_COLUMNS[sequence_length.value as keyof typeof LENGTH_COLUMNS];
  const batch = numberOf(settingsOf(paper, 'table21_deberta_memory').batch_size);
  const trained = glueSetting(paper, 'batch_size', 'cola');
  const other = rowOf(paper, 'table2_glue', row.label);
  const [here, there] = [row[column], other.peak_memory_gb];
  const isEqual = here.text === there.text;
  const holds = batch === trained ? isEqual : batch > trained ? lessOf(there, here) : lessOf(here, there);
  return {
    ...place('table21_deberta_memory', row, column, `${here.text} at b=${batch}`),
    recomputed: `${there.text} at b=${trained} and the same length (Tables 2 and 10)`,
    rule: 'memory grows with the batch size',
    verdict: verdictOf(holds),
    ...noted(
      isEqual && batch !== trained ? 'one measurement, so one of the two batch sizes is wrong' : undefined,
    ),
    uses: cells('table2_glue', other, ['peak_memory_gb']),
  };
}

function againstVtab(paper: Paper, row: Row<'table22_vit_memory'>): Finding {
  const batch = Number(rowOf(paper, 'table11_hparams_vtab', 'batch_size').vit_b_16);
  const column = BATCH_COLUMNS[batch as keyof typeof BATCH_COLUMNS];
  const other = rowOf(paper, 'table3_vtab', row.label);
  return {
    ...place('table22_vit_memory', row, column),
    recomputed: `${other.peak_memory_gb.text} (Table 3, batch size of Table 11)`,
    rule: `one setting has one memory (b = ${batch} in both)`,
    verdict: verdictOf(row[column].text === other.peak_memory_gb.text),
    uses: cells('table3_vtab', other, ['peak_memory_gb']),
  };
}

function lessOf(low: Printed, high: Printed): boolean {
  return low.value !== undefined && high.value !== undefined && low.value < high.value;
}

/** Which tasks of Table 2 fit its device, by Table 21 scaled to Table 10's batch size. */
function glueOutOfMemory(paper: Paper, row: Row<'table21_deberta_memory'>): Finding[] {
  const device = settingsOf(paper, 'table2_glue').device;
  const { memoryGb } = deviceOf(device);
  const batch = numberOf(settingsOf(paper, 'table21_deberta_memory').batch_size);
  const [m1, m2] = [numberOf(row.peak_memory_gb_s64), numberOf(row.peak_memory_gb_s128)];
  // What does not depend on the batch depends on no length either: at most the line through s = 64 and 128 at s = 0.
  const fixed = Math.max(0, 2 * m1 - m2);
  const other = rowOf(paper, 'table2_glue', row.label);
  return GLUE_TASKS.map((task) => {
    const length = glueSetting(paper, 'max_seq_len', task);
    const trained = glueSetting(paper, 'batch_size', task);
    const column = LENGTH_COLUMNS[length as keyof typeof LENGTH_COLUMNS];
    const measured = numberOf(row[column]);
    const low = (measured * trained) / batch;
    const high = low + fixed * (1 - trained / batch);
    const isOut = other[task].value === undefined;
    const isSure = high <= memoryGb || low > memoryGb;
    const verdict: Verdict = isSure ? verdictOf(isOut === low > memoryGb) : 'cannot be decided';
    return {
      ...place('table2_glue', other, task, isOut ? other[task].text : `${other[task].text}, so it fits`),
      recomputed: `${show(low, 1)} to ${show(high, 1)} GB of the ${memoryGb} of an ${device}`,
      rule: `${TABLES.table21_deberta_memory.title} at s = ${length}, from b = ${batch} to Table 10's ${trained}`,
      verdict,
      ...noted(
        verdict === 'does not follow'
          ? `at b = ${batch} it takes ${show(measured, 1)} GB: either Table 2 was run at that batch size, or Table 21 at ${trained}`
          : undefined,
      ),
      uses: cells('table21_deberta_memory', row, [column]),
    };
  });
}
