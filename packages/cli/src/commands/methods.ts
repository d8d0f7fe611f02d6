import { type AdapterMethod, METHODS, methodNamed, nearest } from '@psoft/adapter';
import { ConfigError } from '@psoft/training/config';
import { PLAIN_METHODS } from '@psoft/training/methods';
import type { Command } from 'commander';
import { flagOf } from '../methodFlags.ts';

export function addMethodsCommand(program: Command): void {
  program
    .command('methods')
    .description('List the adapter methods, or all settings of one.')
    .argument('[name]', 'a method: its equation, source and settings, with their defaults')
    .action((name: string | undefined) => {
      process.stdout.write(`${(name === undefined ? listed() : described(name)).join('\n')}\n`);
    });
}

/** One line a method: what it is called, what it trains of a layer with d outputs and n inputs, where it comes from. */
function listed(): string[] {
  const rows = [
    ...Object.entries(METHODS).map(([name, { about }]) => [
      name,
      about.title,
      about.parameters,
      about.source,
    ]),
    ...Object.entries(PLAIN_METHODS).map(([name, { title, parameters }]) => [name, title, parameters, '']),
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return [
    'Trained values are those of one linear layer, W [d, n].',
    '',
    ...lines,
    '',
    'psoft methods NAME lists the settings of one.',
  ];
}

function described(name: string): string[] {
  if (Object.hasOwn(PLAIN_METHODS, name)) {
    const { title } = PLAIN_METHODS[name as keyof typeof PLAIN_METHODS];
    return [`${name}: ${title}.`, 'It has no settings of its own.'];
  }
  if (!Object.hasOwn(METHODS, name)) {
    const known = [...Object.keys(METHODS), ...Object.keys(PLAIN_METHODS)];
    const near = nearest(name, known);
    throw new ConfigError(
      `unknown method "${name}"; ${near.length > 0 ? `did you mean ${near.join(' or ')}?` : `known: ${known.join(', ')}`}`,
    );
  }
  const method = methodNamed(name);
  const { title, equation, parameters, source } = method.about;
  const settings = settingsOf(method);
  const width = Math.max(...settings.map(([flag]) => flag!.length));
  return [
    `${name}: ${title}`,
    `  ${equation}`,
    `  trains ${parameters} values of a layer W [d, n]`,
    `  ${source}`,
    '',
    'Settings, as flags of psoft train and (in camelCase) in code:',
    ...settings.map(([flag, text]) => `  ${flag!.padEnd(width)}  ${text}`),
  ];
}

/** Flag, and what it takes with the method's own default. */
function settingsOf(method: AdapterMethod): string[][] {
  const defaults = method.configure({}) as unknown as Record<string, unknown>;
  return Object.entries(method.fields).map(([name, { expects }]) => {
    const initial = defaults[name];
    return [
      flagOf(name),
      `${expects}${initial === undefined ? '' : ` (default ${JSON.stringify(initial)})`}`,
    ];
  });
}
