import Papa from 'papaparse';
import { beforeAll, describe, expect, test } from 'vitest';
import { MAPPING, plan, plannedRun, recordOf, SPEC } from '../../../../test/planned.ts';
import { type Paper, readPaper } from '../../../paper/index.ts';
import { buildTable } from '../build.ts';
import type { ReportTable } from '../model.ts';
import { TABLE_SPECS } from '../specs/index.ts';
import { renderTable, tableFile } from './index.ts';
import { escapeLatex } from './latex.ts';

let paper: Paper;
beforeAll(async () => {
  paper = await readPaper();
});

const PAPER_SCORES = { lora: [85.1, 84.2, 84.9], dora: [85, 84, 85.2], psoft: [86.9, 87.2, 86.4] };

/** Ours and the paper's, a missing, a partly missing and an unavailable cell, and a row of our own. */
function example(profile: string): ReportTable {
  const records = Object.entries(PAPER_SCORES).flatMap(([method, scores]) =>
    scores.flatMap((score, i) => [
      recordOf(plannedRun(method, 'rte', i + 1, { profile }), score),
      ...(method === 'psoft' || i === 0
        ? [recordOf(plannedRun(method, 'cola', i + 1, { profile }), score - 20)]
        : []),
    ]),
  );
  const planned = plan({
    profile,
    methods: ['full', 'lora', 'dora', 'psoft', 'vera'],
    unavailable: { full: 'too_large: 100 %' },
  });
  return buildTable({ spec: SPEC, paper, profile, planned, records, mapping: MAPPING });
}

describe('golden', () => {
  test('text', () => {
    expect(renderTable(example('tiny'), 'text')).toBe(`Table 2, profile tiny, seeds 1, 2, 3
The form of the paper's table (GLUE, DeBERTaV3-base) filled by the tiny profile: two made-up tasks, deberta-tiny. No statement about the paper's numbers.

Method     #Params             RTE            CoLA            Avg.
---------  -------  --------------  --------------  --------------
FFT            n/a             n/a             n/a             n/a
LoRA r=4     5,120  84.7 ± 0.5 (2)  65.1 (n=1) (2)  75.1 (n=1) (2)
DoRA r=4     5,120  84.7 ± 0.6 (2)      65.0 (n=1)      75.0 (n=1)
PSOFT r=4    5,120  86.8 ± 0.4 (1)  66.8 ± 0.4 (1)  76.8 ± 0.4 (1)
VeRA r=4         —               —               —               —

Mean ± sample deviation over seeds; fewer seeds than the others have are given in brackets.
Best and second best are marked; FFT stands apart.
† differs from PSOFT (p < 0.05, two-sided): studentised paired bootstrap over seeds, 10,000 resamples, not corrected for the number of comparisons. Three seeds cannot show a difference by it.
Not tested against PSOFT: 1 common seed, at least 3 are needed.
Not in the paper's table: VeRA.
n/a, FFT: too_large: 100 %.

8 of 16 cells are missing. To fill them:
  npx nx run nlu:table2 --methods=lora,dora --tasks=cola --seeds=2,3
  npx nx run nlu:table2 --methods=vera
`);
  });

  test('Markdown', () => {
    const lines = renderTable(example('paper'), 'markdown').split('\n');
    expect(lines.slice(0, 21).join('\n')).toBe(`# Table 2, profile paper, seeds 1, 2, 3

GLUE, DeBERTaV3-base. The paper's numbers: RTX 4090, mean of 5 runs. Written by \`npx nx run results:tables\`; do not edit.

| Method       | #Params |                 RTE |               CoLA |               Avg. |
| ------------ | ------: | ------------------: | -----------------: | -----------------: |
| FFT          |     n/a |                 n/a |                n/a |                n/a |
| *paper*      |    184M |               82.88 |              67.56 |                    |
| GOFTv2       |     n/a |                 n/a |                n/a |                n/a |
| *paper*      |   0.08M |                 OOM |              65.45 |                    |
| LoRA r=8     |   5,120 | <u>84.73 ± 0.47</u> | <u>65.10 (n=1)</u> | <u>75.10 (n=1)</u> |
| *paper*      |   1.33M |               84.87 |       <u>67.98</u> |                    |
| *difference* |         |               −0.14 |              −2.88 |                    |
| DoRA r=8     |   5,120 | <u>84.73 ± 0.64</u> |        65.00 (n=1) |        75.00 (n=1) |
| *paper*      |   1.41M |           **87.19** |              67.06 |                    |
| *difference* |         |               −2.46 |              −2.06 |                    |
| PSOFT r=46   |   5,120 |    **86.83 ± 0.40** |   **66.83 ± 0.40** |   **76.83 ± 0.40** |
| *paper*      |   0.08M |        <u>86.74</u> |          **70.42** |                    |
| *difference* |         |               +0.09 |              −3.59 |                    |
|              |         |                     |                    |                    |
| VeRA r=4     |       — |                   — |                  — |                  — |`);
    expect(lines.slice(-7)).toEqual([
      '8 of 16 cells are missing. To fill them:',
      '',
      '```sh',
      'npx nx run nlu:table2 -c paper --methods=lora,dora --tasks=cola --seeds=2,3',
      'npx nx run nlu:table2 -c paper --methods=vera',
      '```',
      '',
    ]);
    expect(lines).toContain('- n/a, FFT: too\\_large: 100 %.');
  });

  test('LaTeX', () => {
    const latex = renderTable(example('paper'), 'latex');
    expect(
      latex.slice(0, latex.indexOf('DoRA')),
    ).toBe(String.raw`% Written by npx nx run results:tables; do not edit. Needs \usepackage{booktabs}.
% missing: npx nx run nlu:table2 -c paper --methods=lora,dora --tasks=cola --seeds=2,3
% missing: npx nx run nlu:table2 -c paper --methods=vera
\begin{table}
\centering
\small
\caption{Table 2, profile paper, seeds 1, 2, 3. GLUE, DeBERTaV3-base. The paper's numbers: RTX 4090, mean of 5 runs.}
\label{tab:paper-nlu-table2}
\begin{tabular}{lrrrr}
\toprule
Method & \#Params & RTE & CoLA & Avg. \\
\midrule
FFT & n/a & n/a & n/a & n/a \\
\quad\textit{paper} & 184M & 82.88 & 67.56 &  \\
GOFTv2 & n/a & n/a & n/a & n/a \\
\quad\textit{paper} & 0.08M & OOM & 65.45 &  \\
LoRA r=8 & 5,120 & \underline{84.73 $\pm$ 0.47} & \underline{65.10 (n=1)} & \underline{75.10 (n=1)} \\
\quad\textit{paper} & 1.33M & 84.87 & \underline{67.98} &  \\
\quad\textit{difference} &  & $-$0.14 & $-$2.88 &  \\
`);
    expect(latex).toContain(String.raw`$^\dagger$ differs from PSOFT (p $<$ 0.05`);
    expect(latex).toContain(String.raw`n/a, FFT: too\_large: 100 \%.`);
  });
});

test('CSV has a line a cell, whole numbers and the command', () => {
  const table = example('paper');
  const { data, errors } = Papa.parse<Record<string, string>>(renderTable(table, 'csv').trimEnd(), {
    header: true,
  });
  expect(errors).toEqual([]);
  expect(data).toHaveLength(table.rows.length * table.columns.length);
  const line = (row: string, column: string) => data.find((one) => one.row === row && one.column === column)!;
  expect(line('lora', 'rte')).toMatchObject({
    ...{ table: 'table2', profile: 'paper', method: 'LoRA', setting: 'r=8', paperRow: 'LoRA r=8', unit: '%' },
    ...{
      n: '3',
      seeds: '1;2;3',
      mark: 'second',
      paper: '84.87',
      paperText: '84.87',
      rival: 'psoft',
      testedOver: 'seeds',
    },
  });
  expect(Number(line('lora', 'rte').mean)).toBe((85.1 + 84.2 + 84.9) / 3);
  expect(line('lora', 'cola')).toMatchObject({
    missingSeeds: '2;3',
    command: 'npx nx run nlu:table2 -c paper --methods=lora --tasks=cola --seeds=2,3',
    notTested: '1 common seed, at least 3 are needed',
  });
  expect(line('full', 'cola')).toMatchObject({ mean: '', unavailable: 'too_large: 100 %', paper: '67.56' });
});

describe('every table as LaTeX', () => {
  const tables = () => {
    const measured = { table: 'table21', row: 'GOFTv2', column: 'peak_memory_gb_s64', mean: 1, n: 1 };
    const bench = TABLE_SPECS.filter(({ source }) => source.kind === 'bench').map((spec) =>
      buildTable({ spec, paper, profile: 'paper', records: [], measured: [measured] }),
    );
    return [example('tiny'), example('paper'), ...bench];
  };

  test('closes what it opens, and every line has all cells', () => {
    for (const table of tables()) {
      const latex = renderTable(table, 'latex');
      checkLatex(latex);
      const body = latex.slice(latex.indexOf('\\toprule'), latex.indexOf('\\bottomrule'));
      const lines = body.split('\n').filter((line) => line.endsWith('\\\\'));
      expect(lines.length).toBeGreaterThan(table.rows.length);
      for (const line of lines) {
        const spans = [...line.matchAll(/\\multicolumn\{(\d+)\}/g)].reduce(
          (sum, [, n]) => sum + Number(n) - 1,
          0,
        );
        expect(line.split(/(?<!\\)&/).length + spans).toBe(table.columns.length + 1);
      }
    }
  });

  test('the check is one', () => {
    for (const wrong of ['\\textbf{a', 'a}', 'a_b', '50 %', '\\begin{x}\\end{y}', 'a ± b', '$a'])
      expect(() => checkLatex(wrong), wrong).toThrow();
    checkLatex(escapeLatex('a_b & 50 % of {x} #1 ~ ^2 \\ $ ± − † — <|> ²ᵀ’'));
  });
});

test('files are called by what they hold', () => {
  const table = example('tiny');
  expect(tableFile(table, 'markdown')).toBe('tiny/nlu/table2.md');
  expect(tableFile({ ...table, scorer: 'strict', isScorerAsked: true }, 'latex')).toBe(
    'tiny/nlu/table2-strict.tex',
  );
});

/** Balanced braces, environments and mathematics; letters that plain LaTeX prints; no bare special ones. */
function checkLatex(text: string): void {
  const source = text.replace(/^% .*$/gm, '');
  const environments: string[] = [];
  let depth = 0;
  let isMath = false;
  for (const [token, , name] of source.matchAll(/\\(begin|end)\{([a-z*]+)\}|\\.|[\s\S]/g)) {
    if (token.startsWith('\\begin')) environments.push(name!);
    else if (token.startsWith('\\end{')) {
      if (environments.pop() !== name) throw new Error(`\\end{${name}} closes another environment`);
    } else if (token === '{') depth++;
    else if (token === '}') {
      if (--depth < 0) throw new Error('a brace closes nothing');
    } else if (token === '$') isMath = !isMath;
    else if (token.length === 1 && '#%~'.includes(token)) throw new Error(`bare ${token}`);
    else if (!isMath && (token === '_' || token === '^')) throw new Error(`bare ${token}`);
    else if (token.codePointAt(0)! > 126) throw new Error(`no letter of plain LaTeX: ${token}`);
  }
  if (depth !== 0 || isMath || environments.length > 0) throw new Error('something stays open');
}
