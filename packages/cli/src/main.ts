/** The `psoft` command. */
import { Command, CommanderError } from 'commander';

type Add = (program: Command, done: (code: number) => void) => void;

/** By name, in the order of the help. A command line loads the one that it names. */
const COMMANDS: Readonly<Record<string, () => Promise<Add>>> = {
  train: async () => (await import('./commands/train.ts')).addTrainCommand,
  evaluate: async () => (await import('./commands/evaluate.ts')).addEvaluateCommand,
  score: async () => (await import('./commands/score.ts')).addScoreCommand,
  generate: async () => (await import('./commands/generate.ts')).addGenerateCommand,
  compare: async () => (await import('./commands/compare.ts')).addCompareCommand,
  table: async () => (await import('./commands/table.ts')).addTableCommand,
  sweep: async () => (await import('./commands/sweep/index.ts')).addSweepCommand,
  predict: async () => (await import('./commands/predict.ts')).addPredictCommand,
  merge: async () => (await import('./commands/merge.ts')).addMergeCommand,
  'import-gguf': async () => (await import('./commands/importGguf.ts')).addImportGgufCommand,
  quantize: async () => (await import('./commands/quantize.ts')).addQuantizeCommand,
  prepare: async () => (await import('./commands/prepare.ts')).addPrepareCommand,
  tasks: async () => (await import('./commands/tasks.ts')).addTasksCommand,
  methods: async () => (await import('./commands/methods.ts')).addMethodsCommand,
  doctor: async () => (await import('./commands/doctor.ts')).addDoctorCommand,
  charts: async () => (await import('./commands/charts.ts')).addChartsCommand,
  runs: async () => (await import('./commands/runs/index.ts')).addRunsCommand,
  results: async () => (await import('./commands/results/index.ts')).addResultsCommand,
  audit: async () => (await import('./commands/audit.ts')).addAuditCommand,
};

/**
 * Commands and their options, none of them run.
 * @param done told the exit code of what is run
 * @param only this command alone; without a name, or with an unknown one, all
 */
export async function buildProgram(done: (code: number) => void, only?: string): Promise<Command> {
  const program = new Command('psoft')
    .description('Fine-tune and compare PSOFT and its baselines, and regenerate the tables of the paper.')
    .showHelpAfterError('(psoft --help lists the commands and options)')
    .exitOverride();
  const wanted =
    only !== undefined && Object.hasOwn(COMMANDS, only) ? [COMMANDS[only]!] : Object.values(COMMANDS);
  for (const load of wanted) (await load())(program, done);
  return program;
}

/** Exit code of a program that a closed pipe ends: 128 and the signal's number. */
const CLOSED_PIPE = 141;

/** Ends the process when whoever reads its output has read enough, as `head` does. */
export function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(CLOSED_PIPE);
  });
}

/**
 * Runs one command line.
 * @returns the exit code: 0 done, 1 an error of one line on standard error, 130 stopped by a signal
 */
export async function main(args: readonly string[]): Promise<number> {
  let exitCode = 0;
  const program = await buildProgram((code) => {
    exitCode = code;
  }, args[0]);
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
