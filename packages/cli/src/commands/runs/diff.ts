import type { Difference, Entry } from '@psoft/results/runs';
import { type Command, Option } from 'commander';
import { addSourceOptions, openLedger, type SourceOptions } from './options.ts';

interface Options extends SourceOptions {
  readonly format: 'text' | 'markdown' | 'json';
}

export function addDiffCommand(runs: Command): void {
  addSourceOptions(runs.command('diff'))
    .description(
      'In what two runs differ: configuration, data, environment, code and metrics. What is equal is left out; of epochs, all that is before the first that differs.',
    )
    .argument('<a>', 'as of psoft runs show')
    .argument('<b>', 'likewise')
    .addOption(new Option('--format <name>').choices(['text', 'markdown', 'json']).default('text'))
    .action(async (a: string, b: string, options: Options) => {
      const { diffEntries, findEntry } = await import('@psoft/results/runs');
      const { entries } = await openLedger(options);
      const [left, right] = [findEntry(entries, a), findEntry(entries, b)];
      const differences = diffEntries(left, right);
      const text =
        options.format === 'json'
          ? JSON.stringify(differences, undefined, 2)
          : (await describe(left, right, differences, options.format)).join('\n');
      process.stdout.write(`${text}\n`);
    });
}

async function describe(
  left: Entry,
  right: Entry,
  differences: readonly Difference[],
  format: 'text' | 'markdown',
): Promise<string[]> {
  const { cellText, layOutTable, numberText, SECTIONS } = await import('@psoft/results/runs');
  const lines = [`a: ${left.file}`, `b: ${right.file}`];
  const equal: string[] = [];
  for (const section of SECTIONS) {
    const rows = differences.filter((one) => one.section === section);
    if (rows.length === 0) {
      equal.push(section);
      continue;
    }
    const change = ({ a, b }: Difference) =>
      typeof a === 'number' && typeof b === 'number' ? `${b > a ? '+' : ''}${numberText(b - a)}` : '';
    const columns = [
      { title: section, isNumeric: false },
      { title: 'a', isNumeric: false },
      { title: 'b', isNumeric: false },
      ...(section === 'metrics' ? [{ title: 'b - a', isNumeric: true }] : []),
    ];
    const body = rows.map((row) => [
      row.path,
      cellText(row.a),
      cellText(row.b),
      ...(section === 'metrics' ? [change(row)] : []),
    ]);
    lines.push('', ...layOutTable(columns, body, format));
  }
  if (equal.length > 0) lines.push('', `equal: ${equal.join(', ')}`);
  return lines;
}
