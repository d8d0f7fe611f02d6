import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ConfigError } from '@psoft/training/config';
import type { Command } from 'commander';

interface Options {
  readonly scorer?: string;
  readonly out?: string;
}

export function addScoreCommand(program: Command): void {
  program
    .command('score')
    .description('Grade the stored answers of an evaluation again, without a model.')
    .argument('<run>', 'folder of an evaluation below runs/')
    .option('--scorer <name>', 'only this one (default: all)')
    .option('--out <file>', 'write the answers with today’s verdicts, one JSON object a line')
    .action(async (folder: string, { scorer, out }: Options) => {
      // Loads the data package, which a command that only prints help need not.
      const { accuracyOf, checkScorer, openGenerations, scoreAgain, scorersIn } = await import(
        '@psoft/training/evaluations'
      );
      const { config, definition, rows: stored } = await openGenerations(path.resolve(folder));
      if (stored.length === 0) throw new ConfigError(`${folder} holds no answers`);
      if (scorer !== undefined) checkScorer(definition, scorer);
      const { rows, changed } = scoreAgain(definition, stored);
      const present = scorersIn(definition.scorers, rows);
      if (scorer !== undefined && !present.includes(scorer))
        throw new ConfigError(
          `${folder} has nothing that the scorer "${scorer}" reads; it has verdicts of ${present.join(', ')}`,
        );
      for (const name of present.filter((one) => scorer === undefined || one === scorer))
        process.stdout.write(
          `${config.experiment}/${config.task}: ${name} accuracy ${accuracyOf(rows, name).toFixed(2)} over ${rows.length} problems; ${changed[name]} verdicts differ from the stored ones\n`,
        );
      if (out !== undefined) await writeFile(out, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    });
}
