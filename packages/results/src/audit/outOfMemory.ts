/** Cells that say "OOM" on language models, from what the same method takes where it fits. */
import {
  numberOf,
  OUT_OF_MEMORY,
  type Paper,
  type Printed,
  type Row,
  TABLES,
  type TableName,
} from '../paper/index.ts';
import { inputWidth } from './architectures.ts';
import { deviceOf } from './devices.ts';
import { type CellPlace, type Check, type Finding, place, settingsOf, show, verdictOf } from './finding.ts';

const DECODERS = [
  'table4_math',
  'table5_commonsense',
  'table13_math_low_budget',
  'table15_commonsense_low_budget',
] as const;

export const outOfMemory: Check = {
  name: 'out-of-memory',
  about:
    'out of memory on the language models, from the same method on fewer modules, and alike in Figure 4b',
  run: (paper) => {
    const rows = decoderRows(paper);
    return [...rows.flatMap((row) => predicted(paper, rows, row)), ...speeds(paper, rows)];
  },
};

interface DecoderRow {
  readonly table: (typeof DECODERS)[number];
  readonly model: string;
  readonly method: string;
  readonly config: string;
  readonly modules: readonly string[];
  readonly memory: Printed;
  readonly row: Paper[(typeof DECODERS)[number]][number];
}

function decoderRows(paper: Paper): DecoderRow[] {
  return DECODERS.flatMap((table) => {
    const settings = settingsOf(paper, table);
    return paper[table].map((row): DecoderRow => {
      const own = (row as { readonly inserted_modules?: readonly string[] }).inserted_modules;
      const { method, config, peak_memory_gb: memory } = row;
      return {
        table,
        model: settings.model,
        method,
        config,
        modules: own ?? settings.inserted_modules,
        memory,
        row,
      };
    });
  });
}

/**
 * Orthogonal methods keep copies of each layer's input, so what they take beyond LoRA grows with the input features of
 * the adapted linears. Measured where they fit, carried to where they do not.
 */
function predicted(paper: Paper, rows: readonly DecoderRow[], target: DecoderRow): Finding[] {
  if (target.memory.text !== OUT_OF_MEMORY || target.method === 'FFT') return [];
  const loraOf = (model: string, table?: TableName) =>
    rows.find(
      (row) => row.method === 'LoRA' && row.model === model && (table === undefined || row.table === table),
    );
  const ofMethod = rows.filter(
    ({ method, memory }) => method === target.method && memory.value !== undefined,
  );
  const known = ofMethod.find(({ model }) => model === target.model) ?? ofMethod[0];
  const [base, knownBase] = [loraOf(target.model, target.table), known && loraOf(known.model, known.table)];
  if (!known || !base || !knownBase) return [];
  const widths = [inputWidth(target.model, target.modules), inputWidth(known.model, known.modules)] as const;
  const beyond = numberOf(known.memory) - numberOf(knownBase.memory);
  const expected = numberOf(base.memory) + (beyond * widths[0]) / widths[1];
  const { memoryGb } = deviceOf(settingsOf(paper, target.table).device);
  return [
    {
      ...place(target.table, target.row, 'peak_memory_gb'),
      recomputed: `about ${show(expected, 0)} GB of ${memoryGb}`,
      rule: `LoRA's ${base.memory.text} and what ${known.row.label} takes beyond LoRA (${TABLES[known.table].title}), by input features`,
      verdict: verdictOf(expected > memoryGb),
      uses: [known, knownBase, base].map(memoryPlace),
    },
  ];
}

function memoryPlace({ table, row }: DecoderRow): CellPlace {
  return { table, line: row.line, column: 'peak_memory_gb' };
}

/** Figure 4b against the tables of the same model and modules; and its slowest method, which is the unit. */
function speeds(paper: Paper, rows: readonly DecoderRow[]): Finding[] {
  const setOf = (modules: readonly string[]) => [...modules].sort().join(';');
  const same = paper.figure4b_training_speed.flatMap((bar): Finding[] => {
    const matching = rows.filter(
      ({ model, method, modules }) =>
        model === bar.model && method === bar.method && setOf(modules) === setOf(bar.modules),
    );
    if (matching.length === 0) return [];
    const isOut = bar.relative_speed.text === OUT_OF_MEMORY;
    return [
      {
        ...place('figure4b_training_speed', bar, 'relative_speed'),
        recomputed: matching
          .map(
            ({ memory, table }) =>
              `${memory.text}${memory.value === undefined ? '' : ' GB'} (${TABLES[table].title})`,
          )
          .join(', '),
        rule: 'out of memory in the figure where the table of the same setting says so',
        verdict: verdictOf(matching.some(({ memory }) => (memory.text === OUT_OF_MEMORY) === isOut)),
        uses: matching.map(memoryPlace),
      },
    ];
  });
  const groupOf = ({ model, modules }: Row<'figure4b_training_speed'>) => `${model} ${modules.join(';')}`;
  const groups = [...new Set(paper.figure4b_training_speed.map(groupOf))];
  const units = groups.map((group): Finding => {
    const bars = paper.figure4b_training_speed.filter((bar) => groupOf(bar) === group);
    const slowest = Math.min(...bars.map((bar) => bar.relative_speed.value ?? Number.POSITIVE_INFINITY));
    return {
      table: TABLES.figure4b_training_speed.title,
      cell: `${group}: slowest method`,
      printed: '1.0',
      recomputed: show(slowest, 1),
      rule: 'speeds are relative to the slowest method that fits',
      verdict: verdictOf(slowest === 1),
      judges: [],
      uses: bars.map(({ line }) => ({ table: 'figure4b_training_speed', line, column: 'relative_speed' })),
    };
  });
  return [...same, ...units];
}
