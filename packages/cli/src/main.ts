/** The `psoft` command. */
import { Command, CommanderError } from 'commander';
import { addAuditCommand } from './commands/audit.ts';
import { addChartsCommand } from './commands/charts.ts';
import { addCompareCommand } from './commands/compare.ts';
import { addDoctorCommand } from './commands/doctor.ts';
import { addEvaluateCommand } from './commands/evaluate.ts';
import { addGenerateCommand } from './commands/generate.ts';
import { addImportGgufCommand } from './commands/importGguf.ts';
import { addMergeCommand } from './commands/merge.ts';
import { addMethodsCommand } from './commands/methods.ts';
import { addPredictCommand } from './commands/predict.ts';
import { addPrepareCommand } from './commands/prepare.ts';
import { addQuantizeCommand } from './commands/quantize.ts';
import { addResultsCommand } from './commands/results/index.ts';
import { addRunsCommand } from './commands/runs/index.ts';
import { addScoreCommand } from './commands/score.ts';
import { addSweepCommand } from './commands/sweep/index.ts';
import { addTableCommand } from './commands/table.ts';
import { addTasksCommand } from './commands/tasks.ts';
import { addTrainCommand } from './commands/train.ts';

/**
 * Every command and its options, none of them run.
 * @param done told the exit code of what is run
 */
export function buildProgram(done: (code: number) => void): Command {
  const program = new Command('psoft')
    .description('Fine-tune and compare PSOFT and its baselines, and regenerate the tables of the paper.')
    .showHelpAfterError('(psoft --help lists the commands and options)')
    .exitOverride();
  addTrainCommand(program, done);
  addEvaluateCommand(program, done);
  addScoreCommand(program);
  addGenerateCommand(program, done);
  addCompareCommand(program, done);
  addTableCommand(program, done);
  addSweepCommand(program, done);
  addPredictCommand(program, done);
  addMergeCommand(program);
  addImportGgufCommand(program);
  addQuantizeCommand(program);
  addPrepareCommand(program);
  addTasksCommand(program);
  addMethodsCommand(program);
  addDoctorCommand(program, done);
  addChartsCommand(program);
  addRunsCommand(program);
  addResultsCommand(program);
  addAuditCommand(program, done);
  return program;
}

/**
 * Runs one command line.
 * @returns the exit code: 0 done, 1 an error of one line on standard error, 130 stopped by a signal
 */
export async function main(args: readonly string[]): Promise<number> {
  let exitCode = 0;
  const program = buildProgram((code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    process.stderr.write(`psoft: ${(error as Error).message}\n`);
    if (process.env.PSOFT_DEBUG) process.stderr.write(`${(error as Error).stack}\n`);
    return 1;
  }
  return exitCode;
}
