import path from 'node:path';
import { audit, formatAudit, REPORT_FORMATS, type ReportFormat } from '@psoft/results/audit';
import { readPaper } from '@psoft/results/paper';
import { type Command, Option } from 'commander';

/** The exit code of `--strict`, unlike the 1 of an error. */
const DOES_NOT_FOLLOW = 2;

export function addAuditCommand(program: Command, done: (exitCode: number) => void): void {
  program
    .command('audit')
    .description("Recompute the paper's averages, parameter counts and more, and list what does not follow.")
    .addOption(new Option('--format <name>', 'of the report').choices(REPORT_FORMATS).default('text'))
    .option('--all', 'list what follows, too (json and csv always do)')
    .option('--strict', `exit with ${DOES_NOT_FOLLOW} if something does not follow`)
    .option('--paper-dir <folder>', "another copy of the paper's tables (default: packages/results/paper)")
    .action(
      async ({
        format,
        all,
        strict,
        paperDir,
      }: {
        format: ReportFormat;
        all?: true;
        strict?: true;
        paperDir?: string;
      }) => {
        const result = audit(await readPaper(paperDir === undefined ? undefined : path.resolve(paperDir)));
        process.stdout.write(formatAudit(result, format, { isComplete: all === true }));
        const isSound = result.findings.every(({ verdict }) => verdict !== 'does not follow');
        if (strict && !isSound) done(DOES_NOT_FOLLOW);
      },
    );
}
