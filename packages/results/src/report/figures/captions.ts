/** What each figure shows and from what, in words: the page of a folder of figures. */
import type { ReportFigure } from './model.ts';

/** Markdown: drawn figures with their pictures, then those that have no data yet with the commands that fill them. */
export function captionsOf(figures: readonly ReportFigure[], profile: string): string {
  const drawn = figures.filter(({ chart }) => chart !== undefined);
  const open = figures.filter(({ chart }) => chart === undefined);
  return `${[
    `# Figures, profile ${profile}`,
    '',
    'Made by `npx nx run results:figures` from the records; do not edit.',
    ...drawn.flatMap((figure) => ['', ...section(figure)]),
    ...(open.length === 0
      ? []
      : ['', '## No data yet', ...open.flatMap((figure) => ['', ...missing(figure)])]),
  ].join('\n')}\n`;
}

function section(figure: ReportFigure): string[] {
  const { id, title, caption, notes, commands } = figure;
  return [
    `## ${title}`,
    '',
    `![${title}](${id}.svg)`,
    '',
    caption,
    '',
    `- ${fromText(figure)}`,
    ...notes.map((note) => `- ${note}`),
    `- Drawn by \`npx nx run results:figures --figures=${id}\`.`,
    ...(commands.length === 0 ? [] : ['- What is missing comes by', ...block(commands, '  ')]),
  ];
}

function missing({ title, caption, notes, commands }: ReportFigure): string[] {
  return [`**${title}.** ${[caption, ...notes].join(' ')}`, '', ...block(commands, '')];
}

const block = (commands: readonly string[], indent: string) =>
  ['```sh', ...commands, '```'].map((line) => `${indent}${line}`);

/** "12 records of nlu/cola, seeds 1, 2; base model deberta-tiny (5ab26d35)". */
export function fromText({ from: { records, seeds, tasks, models, shapes } }: ReportFigure): string {
  if (records === 0) return "The paper's values alone: there are no records yet.";
  if (shapes !== undefined)
    return `${records} bench ${records === 1 ? 'record' : 'records'} of ${shapes.join('; ')}, random weights.`;
  return `${records} ${records === 1 ? 'record' : 'records'} of ${tasks.join(', ')}, ${seeds.length === 1 ? 'seed' : 'seeds'} ${seeds.join(', ')}; base model ${models.join(', ')}.`;
}
