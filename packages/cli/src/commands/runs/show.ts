import type { Entry } from '@psoft/results/runs';
import { type Command, Option } from 'commander';
import { addSourceOptions, openLedger, type SourceOptions } from './options.ts';

interface Options extends SourceOptions {
  readonly format: 'text' | 'json';
}

export function addShowCommand(runs: Command): void {
  addSourceOptions(runs.command('show'))
    .description('Show one record.')
    .argument('<id>', 'a file, a name like psoft-s1-0123abcd, or the first digits of a hash')
    .addOption(
      new Option('--format <name>', 'json is the record as it is').choices(['text', 'json']).default('text'),
    )
    .action(async (id: string, options: Options) => {
      const { findEntry } = await import('@psoft/results/runs');
      const entry = findEntry((await openLedger(options)).entries, id);
      const text =
        options.format === 'json'
          ? JSON.stringify(entry.record, undefined, 2)
          : (await describe(entry)).join('\n');
      process.stdout.write(`${text}\n`);
    });
}

async function describe({ record, file, name, hash }: Entry): Promise<string[]> {
  const { cellText, flatten, formatRows } = await import('@psoft/results/runs');
  const { trainInfo, ...rest } = record;
  const { metrics, series, ...info } = trainInfo as Record<string, unknown>;
  const lines = [name, `  file  ${file}`, `  hash  ${hash}`];
  for (const [part, value] of Object.entries({ ...rest, trainInfo: info })) {
    if (typeof value !== 'object') continue;
    const leaves = [...flatten(value as Record<string, unknown>)];
    const width = Math.max(0, ...leaves.map(([key]) => key.length));
    lines.push('', part, ...leaves.map(([key, leaf]) => `  ${key.padEnd(width)}  ${cellText(leaf)}`));
  }
  const curves =
    metrics === undefined
      ? ((series ?? []) as { name: string; steps: number[]; values: number[] }[]).map(summaryOf)
      : (metrics as Record<string, unknown>[]).map((row) => Object.fromEntries(flatten(row)));
  if (curves.length > 0) {
    const columns = [...new Set(curves.flatMap((row) => Object.keys(row)))];
    const title = metrics === undefined ? 'trainInfo.series' : 'trainInfo.metrics';
    lines.push('', title, ...formatRows(curves, columns, 'text').map((line) => `  ${line}`));
  }
  return lines;
}

function summaryOf({ name, steps, values }: { name: string; steps: number[]; values: number[] }) {
  const [first, last] = [values[0], values.at(-1)];
  return {
    series: name,
    points: values.length,
    'first step': steps[0],
    'last step': steps.at(-1),
    first,
    last,
  };
}
